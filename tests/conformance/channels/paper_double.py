"""The provider of paper: a board on loopback that takes notes, changes them and calls back."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Self

from pullcord.channels.port import Abilities, Callback
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.conformance.channels.paper import PaperChannel, signed

SECRET = "board-secret"
TEXT_MAX = 20_000

ANSWERS = {
    Fault.BUSY: Answered(503),
    Fault.LIMITED: Answered(429, headers={"retry-after": "30"}),
    Fault.GONE: Answered(404),
    Fault.HANGS_UP: Answered(0),
}


class PaperDouble:
    """One board."""

    edits: ClassVar[bool] = True
    hears: ClassVar[bool] = True
    tells_receipts: ClassVar[bool] = True
    shows_content: ClassVar[bool] = True
    names_retry: ClassVar[bool] = True

    def __init__(self) -> None:
        self.url = ""
        self.address = "board-1"
        self.account = "reader-1"
        self.secrets: Sequence[str] = (SECRET,)
        self.threads: list[str] = []
        self._faults: list[Fault] = []
        self._arrived: list[Arrived] = []
        #: reference by message key: the same key again is the same note
        self._notes: dict[str, str] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        double = cls()
        async with http_server(double._handle) as url:
            double.url = url
            yield double

    async def _handle(self, asked: Asked) -> Answered:
        if self._faults:
            return ANSWERS[self._faults.pop(0)]
        if asked.headers.get("authorization") != SECRET:
            return Answered(401)
        note = json.loads(asked.body)
        if len(note["text"]) > TEXT_MAX:
            return Answered(413)
        key, edited = asked.headers["idempotency-key"], asked.path.removeprefix("/notes")
        reference = edited.removeprefix("/") or self._notes.get(key, "")
        if not reference:
            reference = self._notes[key] = f"note-{len(self._notes) + 1}"
        elif not edited:
            return self._taken(reference)
        self.threads.append(note["thread"])
        self._arrived.append(
            Arrived(key, note["text"], reference, tuple(note["buttons"]), is_edit=bool(edited))
        )
        return self._taken(reference)

    @staticmethod
    def _taken(reference: str) -> Answered:
        return Answered(body=json.dumps({"reference": reference}).encode())

    def channel(self, *, can: Abilities | None = None) -> PaperChannel:
        return PaperChannel(self.url, SECRET, can=can)

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault) -> None:
        self._faults += faults

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        told = {"kind": "pressed", "account": self.account, "token": token}
        return self.calls(told, at=at, flaw=flaw)

    def tells(self, reference: str, *, at: datetime) -> Callback:
        told = {"kind": "learned", "reference": reference, "outcome": "delivered"}
        return self.calls(told, at=at)

    def calls(self, *told: dict[str, str], at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        """A callback that says these things happened."""
        body = json.dumps(told).encode()
        signed_at = at - timedelta(minutes=6) if flaw is Flaw.OLD else at
        secret = "somebody-else" if flaw is Flaw.FOREIGN else SECRET
        time = signed_at.isoformat()
        headers = {"paper-time": time, "paper-signature": signed(secret, time, body)}
        if flaw is Flaw.ALTERED:
            body = body.replace(b"pressed", b"presseD")
        return Callback(
            method="POST",
            url="https://pull.example/callbacks/paper",
            query="",
            headers={} if flaw is Flaw.UNSIGNED else headers,
            body=body,
            at=at,
        )
