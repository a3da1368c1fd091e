"""Phone calls through Twilio: what wakes somebody, read aloud and answered by a key.

1 is "I have it", 2 is "not me", 9 says it again; deciding needs the page. A machine that answers
has not been reached, and hears nothing of what agents and end users wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs

from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.port import (
    Abilities,
    Answer,
    Callback,
    CallbackRefused,
    Coded,
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
from pullcord.channels.speech import Sealer, Speech, speech_of, time_left
from pullcord.channels.twilio import OPTIONS as TWILIO
from pullcord.channels.twilio import SIGNED_FOR, Twilio, sender_of, twiml, xml_text

#: seconds it rings, and within which a machine is told from a person
RING_SECONDS = 40
DETECT_SECONDS = 6
#: seconds of silence for a key after each reading, readings in one call, and a day of a speech
KEY_SECONDS = 8
READINGS_MAX = 3
REPEATS_MAX = 9
#: Twilio places one call a second, so that some wait there
PLACED_FOR = timedelta(hours=1)

OPTIONS = (
    *TWILIO,
    Option("from", "The number calls come from, +15551230000; owned or verified at Twilio"),
    Option("language", "Language the voice speaks", is_needed=False, default="en-US"),
)

ENDED: Mapping[str, str] = {
    "busy": "the line was busy, or the call was turned down",
    "no-answer": "nobody picked up",
    "failed": "the call could not be placed; check the number in People",
    "canceled": "the call was cancelled",
}
KEYS: Mapping[str, Verb] = {"1": Verb.ACCEPT, "2": Verb.DECLINE}
AGAIN = "9"
MACHINES = ("machine", "fax")


class Leg(NamedTuple):
    """One request of a call that was picked up: what is said, which reading of it."""

    speech: Speech
    reading: int
    #: whether nobody knows yet that a person listens
    is_unsure: bool
    key: str
    answered_by: str

    @property
    def is_machine(self) -> bool:
        """Whether a machine picked up."""
        return self.answered_by.startswith(MACHINES) and not self.key


class VoiceChannel:
    """Calls people at the phone number of their record.

    Raises:
        InvalidInput: an option is wrong; says which.
    """

    name = "voice"
    can = Abilities(
        wakes=True,
        is_private=True,
        has_buttons=True,
        has_receipts=True,
        only_asks=True,
        found_by=FoundBy.PHONE,
        limits=Limits(line=300, text=400, facts=3),
        rates=(Rate(3, timedelta(minutes=15)), Rate(7, timedelta(hours=1))),
    )

    def __init__(self, options: Mapping[str, str], surroundings: Surroundings) -> None:
        self._twilio = Twilio(self.name, options, surroundings)
        self._sealer = Sealer((options["auth_token"], options["secondary_token"]))
        self._sender = sender_of(options["from"], "PULLCORD_VOICE_FROM")
        self._language = options["language"]

    async def send(self, letter: Letter) -> Sent:
        """Call once; Twilio names the call, fetches what to say, and tells how it ended."""
        form = {
            "To": letter.address,
            "From": self._sender,
            "Url": self._leg(self._sealer.seal(speech_of(letter)), 1, letter.at),
            "Method": "POST",
            "StatusCallback": self._twilio.callback({}),
            "StatusCallbackMethod": "POST",
            "MachineDetection": "Enable",
            "MachineDetectionTimeout": str(DETECT_SECONDS),
            "Timeout": str(RING_SECONDS),
        }
        return await self._twilio.post("Calls", form, now=letter.at)

    def _leg(self, sealed: str, reading: int, at: datetime, *, is_unsure: bool = False) -> str:
        """The address of one step of a call; Twilio's signature covers it."""
        query = {"said": sealed, "reading": str(reading), "at": str(int(at.timestamp()))}
        return self._twilio.callback({**query, "unsure": "1"} if is_unsure else query)

    # --- what comes back ----------------------------------------------------------------------
    async def hear(self, callback: Callback) -> Sequence[Event]:
        """How a call ended, who picked up, which key was pressed.

        Raises:
            CallbackRefused: not signed by Twilio, or too old.
        """
        told = self._twilio.believed(callback)
        call = told.get("CallSid", "")
        leg = self._heard(callback, told)
        if leg is None:
            return _ended(call, told)
        if leg.key in KEYS and leg.speech.code:
            seen = Learned(call, Outcome.SEEN, f"pressed {leg.key}")
            return [Coded(told.get("To", ""), leg.speech.code, KEYS[leg.key]), seen]
        return _learned(call, leg)

    def _heard(self, callback: Callback, told: Mapping[str, str]) -> Leg | None:
        """The step of a call this is about; None for how it ended."""
        query = {name: values[-1] for name, values in parse_qs(callback.query).items()}
        if "said" not in query:
            return None
        speech = self._sealer.open(query["said"])
        if speech is None:
            raise CallbackRefused("it is about no call of ours")
        key = told.get("Digits", "")
        at = datetime.fromtimestamp(int(query["at"]), UTC)
        good_for = SIGNED_FOR if key else PLACED_FOR
        if not -SIGNED_FOR <= callback.at - at <= good_for:
            raise CallbackRefused("it is too old")
        answered_by = told.get("AnsweredBy", "")
        is_unsure = not key and ("unsure" in query or answered_by == "unknown")
        return Leg(speech, int(query["reading"]), is_unsure, key, answered_by)

    async def answer(self, callback: Callback, answers: Sequence[Answer]) -> Reply:
        """What is said next."""
        leg = self._heard(callback, self._twilio.believed(callback))
        if leg is None:
            return Reply(204)
        if leg.is_machine:
            return twiml("<Hangup/>")
        if leg.key in KEYS and leg.speech.code and answers:
            return twiml(self._say(answers[0].text, "Goodbye.") + "<Hangup/>")
        is_over = leg.reading > (REPEATS_MAX if leg.key else READINGS_MAX)
        if is_over:
            return twiml(self._say("Please open Pullcord. Goodbye.") + "<Hangup/>")
        return twiml(self._reading(leg, callback.at))

    def _reading(self, leg: Leg, now: datetime) -> str:
        """The call read once, a key awaited, and then once more."""
        speech = leg.speech
        left = time_left(speech.due_at, now) if speech.due_at else ""
        words = [speech.opening, left]
        keys = "Press 1 if you have it. Press 2 if it is not you. " if speech.code else ""
        if leg.is_unsure:
            keys += "Press 9 to hear what it is about."
        else:
            words += [speech.question, speech.more]
            keys += "Press 9 to hear this again."
        sealed, reading = self._sealer.seal(speech), leg.reading + 1
        pressed = xml_text(self._leg(sealed, reading, now))
        silent = xml_text(self._leg(sealed, reading, now, is_unsure=leg.is_unsure))
        return (
            f'<Gather input="dtmf" numDigits="1" timeout="{KEY_SECONDS}" action="{pressed}" '
            f'method="POST">{self._say(*words, keys)}</Gather>'
            f'<Redirect method="POST">{silent}</Redirect>'
        )

    def _say(self, *sentences: str) -> str:
        language = xml_text(self._language)
        return "".join(
            f'<Say language="{language}">{xml_text(each)}</Say>' for each in sentences if each
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._twilio.close()


def make(options: Mapping[str, str], surroundings: Surroundings) -> VoiceChannel:
    """The channel with these options."""
    return VoiceChannel(options, surroundings)


def _learned(call: str, leg: Leg) -> list[Event]:
    """What picking up, or a key, says about the call."""
    if leg.is_machine:
        return [Learned(call, Outcome.FAILED, "answered by a machine, not by a person")]
    if leg.key:
        return [Learned(call, Outcome.SEEN, f"pressed {leg.key}")]
    if leg.is_unsure:
        is_over = leg.reading > READINGS_MAX
        said = "picked up, but nobody pressed a key: perhaps a machine"
        return [Learned(call, Outcome.FAILED, said)] if is_over else []
    return [Learned(call, Outcome.DELIVERED, "picked up")] if leg.reading == 1 else []


def _ended(call: str, told: Mapping[str, str]) -> list[Event]:
    """What the end of a call says: picked up was told before."""
    status = told.get("CallStatus", "")
    if status == "completed" and told.get("AnsweredBy", "").startswith(MACHINES):
        return [Learned(call, Outcome.FAILED, "answered by a machine, not by a person")]
    if status not in ENDED:
        return []
    sip = told.get("SipResponseCode", "")
    more = f" (SIP {sip})" if status == "failed" and sip.isdigit() else ""
    return [Learned(call, Outcome.FAILED, ENDED[status] + more)]
