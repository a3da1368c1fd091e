"""What doubles of providers without callbacks share: a server that takes posts and has faults."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import ClassVar, Self

from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Callback, Channel
from tests.conformance.channels.double import Arrived, Fault, Flaw
from tests.conformance.channels.loopback import Answered, Asked, http_server
from tests.unit.channels.letters import NOW


class HttpDouble(ABC):
    """One provider that is posted to and tells nothing back."""

    edits: ClassVar[bool] = False
    hears: ClassVar[bool] = False
    tells_receipts: ClassVar[bool] = False
    shows_content: ClassVar[bool] = False
    names_retry: ClassVar[bool] = True
    #: made after `url` was changed, its channel speaks to whatever is there
    moves: ClassVar[bool] = True
    kind: ClassVar[str]
    #: what is answered to each fault
    answers: ClassVar[Mapping[Fault, Answered]]

    def __init__(self) -> None:
        self.url = "http://127.0.0.1:9"
        self.address = "maria"
        self.account = ""
        self.secrets: Sequence[str] = ()
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
            return self.answers[self._faults.pop(0)]
        return self.taken(asked)

    @abstractmethod
    def taken(self, asked: Asked) -> Answered:
        """What the provider makes of a request."""

    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """What the channel is told."""

    def channel(self, **options: str) -> Channel:
        around = Surroundings("https://pull.example", lambda: NOW, ("127.0.0.1",))
        return made(self.kind, {**self.options(), **options}, around)

    def arrived(self) -> Sequence[Arrived]:
        return self._arrived

    def faults(self, *faults: Fault) -> None:
        self._faults += faults

    def press(self, token: str, *, at: datetime, flaw: Flaw = Flaw.NONE) -> Callback:
        raise AssertionError("nobody presses anything here")

    def tells(self, reference: str, *, at: datetime) -> Callback:
        raise AssertionError("it tells nothing later")
