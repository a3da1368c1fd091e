"""A channel with every ability, for tests of the engine and of the suite itself.

It posts letters as JSON to one address, edits them there, and its provider calls back with an
HMAC over time and body.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx2

from pullcord.channels.answers import RETRIED, seconds_of
from pullcord.channels.port import (
    Abilities,
    Answer,
    Began,
    Callback,
    CallbackRefused,
    Coded,
    Commanded,
    Event,
    FoundBy,
    Learned,
    Letter,
    Outcome,
    Pressed,
    Reply,
    Sent,
    Verb,
    Wrote,
)

SIGNED_FOR = timedelta(minutes=5)
#: what a callback says besides what somebody filled in
MACHINERY = frozenset({"kind", "account", "token"})


class PaperChannel:
    """Notes on a board that somebody can take down, change and answer."""

    name = "paper"
    can = Abilities(
        is_private=True,
        has_buttons=True,
        decides=True,
        has_threads=True,
        has_receipts=True,
        answers=True,
        found_by=FoundBy.LINK,
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, url: str, secret: str, *, can: Abilities | None = None) -> None:
        self.can = can or PaperChannel.can
        self._url = url
        self._secret = secret
        self._client = httpx2.AsyncClient(timeout=10, trust_env=False)

    async def send(self, letter: Letter) -> Sent:
        return await self._post("/notes", letter)

    async def edit(self, reference: str, letter: Letter) -> Sent:
        return await self._post(f"/notes/{reference}", letter)

    async def _post(self, path: str, letter: Letter) -> Sent:
        headers = {"authorization": self._secret, "idempotency-key": letter.id}
        try:
            reply = await self._client.post(self._url + path, json=written(letter), headers=headers)
        except httpx2.HTTPError as error:
            return Sent(Outcome.RETRY, f"no answer: {type(error).__name__}")
        if reply.is_success:
            return Sent(Outcome.ACCEPTED, "pinned", reference=reply.json()["reference"])
        if reply.status_code in RETRIED:
            after = seconds_of(reply.headers.get("retry-after", ""), letter.at)
            return Sent(Outcome.RETRY, f"answered {reply.status_code}", retry_after=after)
        return Sent(Outcome.FAILED, f"answered {reply.status_code}")

    async def hear(self, callback: Callback) -> Sequence[Event]:
        headers = callback.headers
        signature = signed(self._secret, headers.get("paper-time", ""), callback.body)
        if not hmac.compare_digest(signature, headers.get("paper-signature", "")):
            raise CallbackRefused("the signature is missing or wrong")
        told_at = datetime.fromisoformat(headers["paper-time"])
        if abs(callback.at - told_at) > SIGNED_FOR:
            raise CallbackRefused("it is too old")
        return [event_of(each) for each in json.loads(callback.body)]

    async def answer(self, callback: Callback, answers: Sequence[Answer]) -> Reply:
        body = json.dumps([each.text for each in answers]).encode()
        return Reply(body=body, media_type="application/json")

    async def close(self) -> None:
        await self._client.aclose()


def signed(secret: str, at: str, body: bytes) -> str:
    """The provider's signature over the time and the raw body."""
    return hmac.new(secret.encode(), at.encode() + body, hashlib.sha256).hexdigest()


def written(letter: Letter) -> dict[str, object]:
    """What stands on the note."""
    content = letter.content
    lines = [letter.headline, letter.standing, letter.deadline, letter.fallback, letter.url]
    if content is not None:
        claims = [f"The agent says, {name}: {text}" for name, text in content.claims]
        facts = [f"{name}: {text}" for name, text in content.facts]
        more = [content.situation, content.consequence, content.reversibility, content.money]
        lines += [content.ask, content.said, *more, *facts, *claims, *content.options]
    lines += [f"{each.text} {each.ask} {each.url}" for each in letter.lines]
    return {
        "to": letter.address,
        "thread": letter.thread,
        "text": "\n".join(each for each in lines if each),
        "buttons": [each.token for each in letter.buttons],
    }


def event_of(told: dict[str, str]) -> Event:
    """What the provider says happened."""
    account = told.get("account", "")
    match told["kind"]:
        case "pressed":
            values = {name: text for name, text in told.items() if name not in MACHINERY}
            return Pressed(account, told["token"], {"note": "", **values})
        case "began":
            return Began(account, told["token"])
        case "coded":
            return Coded(account, told["code"], Verb(told["verb"]))
        case "wrote":
            return Wrote(account, told["reference"], told["text"])
        case "commanded":
            return Commanded(account, told["words"], told.get("name", ""))
        case _:
            return Learned(told["reference"], Outcome(told["outcome"]), told.get("detail", ""))
