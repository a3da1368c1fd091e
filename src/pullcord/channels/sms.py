"""SMS through Twilio: a short text that wakes, answered by one letter and a code.

"Y 7KQ2M" is "I have it", "N 7KQ2M" is "not me"; deciding needs the page. A number proves who
writes only as well as the telephone network does, so nothing more can be done by SMS.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from pullcord.briefing.plain import cut
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.port import (
    Abilities,
    Answer,
    Callback,
    CallbackRefused,
    Coded,
    Commanded,
    Event,
    FoundBy,
    Learned,
    Letter,
    Limits,
    Outcome,
    Rate,
    Reply,
    Sent,
    Verb,
)
from pullcord.channels.segments import fitted, folded
from pullcord.channels.twilio import OPTIONS as TWILIO
from pullcord.channels.twilio import (
    Patience,
    Twilio,
    explained,
    is_recent,
    sender_of,
    twiml,
    xml_text,
)
from pullcord.errors import InvalidInput

#: seconds Twilio keeps trying at least and at most; later an ask is no use to anybody
VALID_MIN, VALID_MAX = 60, 36_000
#: characters of one answer: two SMS
ANSWER_MAX = 300
NAME_MAX = 30
CODE_LENGTH = 5

OPTIONS = (
    *TWILIO,
    Option("from", "The number texts come from, +15551230000, or a messaging service, MG…"),
    Option(
        "shows_ask",
        "yes: the question itself stands in the text, which carriers and lock screens show",
        is_needed=False,
        default="no",
    ),
    Option(
        "callbacks",
        "no: Twilio cannot reach this server; texts go out, nobody can answer them",
        is_needed=False,
        default="yes",
    ),
)

#: what Twilio calls the states of a message
STATES: Mapping[str, Outcome] = {
    "sent": Outcome.ACCEPTED,
    "delivered": Outcome.DELIVERED,
    "read": Outcome.SEEN,
    "undelivered": Outcome.FAILED,
    "failed": Outcome.FAILED,
    "canceled": Outcome.FAILED,
}
VERBS: Mapping[str, Verb] = {
    **dict.fromkeys(("Y", "YES", "JA", "OK", "1"), Verb.ACCEPT),
    **dict.fromkeys(("N", "NO", "NEIN", "2"), Verb.DECLINE),
}
#: words Twilio and carriers act on: whoever wrote these hears nothing from us
STOPS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "START",
     "UNSTOP"}
)  # fmt: skip
HELPS = frozenset({"HELP", "INFO", "?"})
#: letters people type for digits that look like them; no code has these
LOOKALIKES = str.maketrans("OIL", "011")


class SmsChannel:
    """Texts people at the phone number of their record.

    Raises:
        InvalidInput: an option is wrong; says which.
    """

    name = "sms"

    def __init__(self, options: Mapping[str, str], surroundings: Surroundings) -> None:
        self._twilio = Twilio(self.name, options, surroundings)
        self._sender = sender_of(options["from"], "PULLCORD_SMS_FROM")
        self._hears = _is_yes(options["callbacks"], "PULLCORD_SMS_CALLBACKS")
        self._patience = Patience()
        self._public_url = surroundings.public_url
        self.can = Abilities(
            wakes=True,
            is_private=_is_yes(options["shows_ask"], "PULLCORD_SMS_SHOWS_ASK"),
            has_buttons=self._hears,
            has_receipts=self._hears,
            only_asks=True,
            found_by=FoundBy.PHONE,
            limits=Limits(line=200, text=300, facts=3),
            rates=(Rate(1, timedelta(minutes=1)), Rate(5, timedelta(minutes=15))),
        )

    async def send(self, letter: Letter) -> Sent:
        """Text once; Twilio names the message, and tells later what became of it."""
        is_service = self._sender.startswith("MG")
        form = {
            "To": letter.address,
            "MessagingServiceSid" if is_service else "From": self._sender,
            "Body": text_of(letter),
        }
        if self._hears:
            form["StatusCallback"] = self._twilio.callback({})
        if letter.is_open and letter.due_at is not None:
            left = int((letter.due_at - letter.at).total_seconds())
            form["ValidityPeriod"] = str(min(max(left, VALID_MIN), VALID_MAX))
        return await self._twilio.post("Messages", form, now=letter.at)

    # --- what comes back ----------------------------------------------------------------------
    async def hear(self, callback: Callback) -> Sequence[Event]:
        """A receipt, or what somebody texted.

        Twilio signs no time, so it is asked when a text was sent: an old one, caught and sent
        again, does nothing. An old receipt says nothing new.

        Raises:
            CallbackRefused: not signed by Twilio, or too old.
        """
        told = self._twilio.believed(callback)
        if "MessageStatus" in told:
            return _receipts(told)
        sent_at = await self._twilio.sent_at(told.get("MessageSid", ""))
        if sent_at is None or not is_recent(sent_at, callback.at):
            raise CallbackRefused("Twilio knows no such message of the last five minutes")
        event = event_of(told.get("From", ""), told.get("Body", ""))
        return [event] if event is not None else []

    async def answer(self, callback: Callback, answers: Sequence[Answer]) -> Reply:
        """A short text back to whoever wrote; nothing for receipts, and nothing without end."""
        told = self._twilio.believed(callback)
        if "MessageStatus" in told:
            return Reply(204)
        text = answers[0].text if answers else self._hint(told)
        number = told.get("From", "")
        if not text or not self._patience.has(number, callback.at):
            return twiml("")
        return twiml(f"<Message>{xml_text(cut(folded(text), ANSWER_MAX))}</Message>")

    def _hint(self, told: Mapping[str, str]) -> str:
        """What is said where nothing was done."""
        words = _words(told.get("Body", ""))
        if "OptOutType" in told or (len(words) == 1 and words[0] in STOPS):
            return ""
        if len(words) == 1 and words[0] in VERBS:
            return "Which one? Add its code, as in: Y 7KQ2M"
        return (
            "Write Y and the code: I have it. N and the code: not me. on-call: who is on call. "
            f"Everything else: {self._public_url}"
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._twilio.close()


def make(options: Mapping[str, str], surroundings: Surroundings) -> SmsChannel:
    """The channel with these options."""
    return SmsChannel(options, surroundings)


def _is_yes(text: str, variable: str) -> bool:
    if text not in ("yes", "no"):
        raise InvalidInput(variable, value=text, limit="yes or no")
    return text == "yes"


# --- the text -------------------------------------------------------------------------------------


def text_of(letter: Letter) -> str:
    """One SMS where it can be: what, by when, how to answer, where to look; the ask is whole."""
    if letter.lines:
        wished = [f"{each.text} {each.ask}".strip() for each in letter.lines]
        return fitted([letter.headline, f"more: {letter.url}"], wished)
    content = letter.content
    asked = [content.ask, content.money, content.reversibility] if content else []
    how = ""
    if letter.code and letter.buttons:
        how = f"Y {letter.code} = I have it, N {letter.code} = not me"
    needed = [letter.headline, *asked, how, letter.url]
    place = "" if letter.environment in ("", "production") else f"({letter.environment})"
    name = letter.workspace_name[:NAME_MAX]
    wished = [letter.standing, place, letter.fallback, name, letter.deadline]
    if letter.is_open:
        wished = [place, name, letter.fallback, letter.deadline, letter.standing]
    return fitted(needed, wished)


# --- what people text -----------------------------------------------------------------------------


def event_of(account: str, body: str) -> Event | None:
    """What a text asks for; None where there is nothing to do and only something to say."""
    words = _words(body)
    verbs = [VERBS[each] for each in words if each in VERBS]
    codes = [each.translate(LOOKALIKES) for each in words if len(each) == CODE_LENGTH]
    if len(words) == 2 and len(verbs) == 1 and len(codes) == 1:
        return Coded(account, codes[0], verbs[0])
    if not words or (len(words) == 1 and words[0] in {*STOPS, *HELPS, *VERBS}):
        return None
    return Commanded(account, body.strip())


def _words(body: str) -> list[str]:
    """The words of a text in capitals, without what punctuation people add."""
    return [each for each in re.split(r"[\s.,;:!=\"'()]+", body.upper()) if each]


def _receipts(told: Mapping[str, str]) -> list[Event]:
    outcome = STATES.get(told["MessageStatus"])
    if outcome is None:
        return []
    code = told.get("ErrorCode", "")
    detail = told["MessageStatus"]
    if outcome is Outcome.FAILED and code.isascii() and code.isdigit():
        detail = explained(int(code))
    return [Learned(told.get("MessageSid", ""), outcome, detail)]
