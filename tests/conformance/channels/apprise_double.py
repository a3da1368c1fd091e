"""An ntfy server on loopback, told through Apprise."""

import json
from collections.abc import Mapping
from typing import ClassVar

from tests.conformance.channels.double import Arrived, Fault
from tests.conformance.channels.http_double import HttpDouble
from tests.conformance.channels.loopback import Answered, Asked

TOKEN = "tk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
TOPIC = "secret-topic-name"
MESSAGE_MAX = 4_096


class AppriseDouble(HttpDouble):
    """One topic."""

    names_retry: ClassVar[bool] = False
    kind = "apprise"
    answers: ClassVar[Mapping[Fault, Answered]] = {
        Fault.BUSY: Answered(503),
        Fault.LIMITED: Answered(429, headers={"retry-after": "30"}),
        Fault.GONE: Answered(403),
        Fault.HANGS_UP: Answered(0),
    }

    def __init__(self) -> None:
        super().__init__()
        self.secrets = (TOKEN, TOPIC)

    @property
    def service(self) -> str:
        """The topic as Apprise writes it."""
        return f"ntfy://{TOKEN}@{self.url.removeprefix('http://')}/{TOPIC}?auth=token"

    def options(self) -> Mapping[str, str]:
        return {"urls": self.service}

    def taken(self, asked: Asked) -> Answered:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answered(401)
        note = json.loads(asked.body)
        if note["topic"] != TOPIC or len(note["message"].encode()) > MESSAGE_MAX:
            return Answered(400)
        self._arrived.append(Arrived("", f"{note.get('title', '')}\n{note['message']}", ""))
        return Answered(200, b'{"id": "1"}')
