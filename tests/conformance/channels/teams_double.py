"""A Teams workflow on loopback: takes Adaptive Cards of at most 28 KB, signed by its address."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.conformance.channels.double import Arrived, Fault
from tests.conformance.channels.http_double import HttpDouble
from tests.conformance.channels.loopback import Answered, Asked

SIG = "sig-of-this-workflow"
POST_MAX = 28 * 1024
#: what a card of version 1.5 may hold, as far as our cards go
ELEMENTS = frozenset({"RichTextBlock", "FactSet", "TextBlock"})


class TeamsDouble(HttpDouble):
    """One workflow."""

    kind = "teams"
    answers: ClassVar[Mapping[Fault, Answered]] = {
        Fault.BUSY: Answered(502, b'{"error": {"code": "NoResponse"}}'),
        Fault.LIMITED: Answered(429, headers={"retry-after": "30"}),
        Fault.GONE: Answered(404, b'{"error": {"code": "WorkflowNotFound"}}'),
        Fault.HANGS_UP: Answered(0),
    }

    def __init__(self) -> None:
        super().__init__()
        self.secrets = (SIG,)
        self.cards: list[dict[str, Any]] = []

    def options(self) -> Mapping[str, str]:
        query = f"api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig={SIG}"
        return {"url": f"{self.url}/workflows/7f3a/triggers/manual/paths/invoke?{query}"}

    def taken(self, asked: Asked) -> Answered:
        if parse_qs(urlsplit(asked.path).query).get("sig") != [SIG]:
            return Answered(401, b'{"error": {"code": "AuthorizationFailed"}}')
        if len(asked.body) > POST_MAX:
            return Answered(413)
        try:
            (attachment,) = json.loads(asked.body)["attachments"]
            card = attachment["content"]
            text = "\n".join(read(card))
        except (KeyError, ValueError, AssertionError):
            return Answered(400, b'{"error": {"code": "InvalidRequestContent"}}')
        self.cards.append(card)
        self._arrived.append(Arrived("", text, ""))
        return Answered(202)


def read(card: dict[str, Any]) -> Iterator[str]:
    """Everything a person reads of a card."""
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.5")
    for element in card["body"]:
        assert element["type"] in ELEMENTS
        for run in element.get("inlines", ()):
            yield run["text"]
            yield from [run["selectAction"]["url"]] if "selectAction" in run else []
        for fact in element.get("facts", ()):
            yield f"{fact['title']}: {fact['value']}"
    for action in card["actions"]:
        assert action["type"] == "Action.OpenUrl"
        assert action["url"].startswith("http")
        yield action["url"]
