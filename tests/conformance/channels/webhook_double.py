"""A receiver of signed webhooks, as somebody's own service would be."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar, Self

from standardwebhooks import Webhook, WebhookVerificationError

from pullcord.channels.port import Callback, Channel
from pullcord.channels.webhook import WebhookChannel
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

ANSWERS = {
    Fault.BUSY: Answered(503),
    Fault.LIMITED: Answered(429, headers={"retry-after": "30"}),
    Fault.GONE: Answered(410),
    Fault.HANGS_UP: Answered(0),
}


class WebhookDouble:
    """Takes what is signed; refuses everything else."""

    edits: ClassVar[bool] = False
    hears: ClassVar[bool] = False
    tells_receipts: ClassVar[bool] = False
    shows_content: ClassVar[bool] = False
    names_retry: ClassVar[bool] = True
    #: made after `url` was changed, its channel speaks to whatever is there
    moves: ClassVar[bool] = True

    def __init__(self) -> None:
        self.url = ""
        self.address = "maria"
        self.account = ""
        self.secrets: Sequence[str] = (SECRET,)
        self._faults: list[Fault] = []
        self._arrived: list[Arrived] = []

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
        try:
            event = Webhook(SECRET).verify(asked.body, asked.headers)
        except WebhookVerificationError:
            return Answered(401)
        text = json.dumps(event["data"], ensure_ascii=False)
        self._arrived.append(Arrived(event["id"], text, ""))
        return Answered(204)

    def channel(self) -> Channel:
        return WebhookChannel(self.url, SECRET, internal=["127.0.0.1"])

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault) -> None:
        self._faults += faults

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        raise AssertionError("nobody presses anything in a webhook")

    def tells(self, reference: str, *, at: datetime) -> Callback:
        raise AssertionError("a webhook tells nothing later")
