"""Microsoft Teams: every escalation as a card in one chat or team channel, with a link to act.

Cards go to a Workflows webhook. A webhook cannot tell who presses a button, so cards notify and
link; acting happens on the page. Nothing that agents or end users wrote is shown: many read along.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx2

from pullcord.channels.answers import refused, unanswered
from pullcord.channels.offered import Option, Surroundings
from pullcord.channels.outward import Outward, address
from pullcord.channels.port import Abilities, FoundBy, Letter, Limits, Outcome, Rate, Sent
from pullcord.errors import InvalidInput

#: bytes of one post; Teams takes about 28 KB
POST_BYTES_MAX = 27_000

OPTIONS = (
    Option(
        "url",
        "Address of the workflow 'When a Teams webhook request is received'; it holds its own key",
        is_secret=True,
    ),
)

#: how bad it is as Teams colours it
COLOURS: Mapping[str, str] = {"low": "accent", "normal": "warning"}

REMEDIES: Mapping[int, str] = {
    400: "the workflow does not take cards; make it from the template named in the guide",
    401: "the key in PULLCORD_TEAMS_URL is wrong; copy the workflow's address again",
    403: "the key in PULLCORD_TEAMS_URL is wrong; copy the workflow's address again",
    404: "the workflow is gone or switched off; switch it on, or copy its new address",
    410: "connectors were retired; make a workflow and set its address",
    413: "the card is too large",
}


class TeamsChannel:
    """Posts cards to one workflow.

    Raises:
        InvalidInput: the address is none; it is not repeated, for it holds a key.
    """

    name = "teams"
    can = Abilities(
        found_by=FoundBy.EVERYBODY,
        limits=Limits(line=300),
        rates=(Rate(4, timedelta(seconds=1)), Rate(60, timedelta(minutes=1))),
        bundles_for=timedelta(seconds=30),
    )

    def __init__(self, url: str, *, internal: tuple[str, ...] = ()) -> None:
        try:
            self._url = address(url, "PULLCORD_TEAMS_URL")
        except InvalidInput:
            raise InvalidInput(
                "PULLCORD_TEAMS_URL", value="…", limit="an https:// address of a workflow"
            ) from None
        self._outward = Outward(internal=internal)

    async def send(self, letter: Letter) -> Sent:
        """Post one card."""
        headers = {"content-type": "application/json"}
        try:
            reply = await self._outward.post(self._url, content=written(letter), headers=headers)
        except httpx2.HTTPError as error:
            return unanswered(error)
        if reply.is_success:
            return Sent(Outcome.ACCEPTED, f"answered {reply.status_code}")
        remedy = REMEDIES.get(reply.status_code, "look at the workflow's run history")
        return refused(reply, remedy, now=letter.at)

    async def close(self) -> None:
        """Let go of connections."""
        await self._outward.close()


def make(options: Mapping[str, str], surroundings: Surroundings) -> TeamsChannel:
    """The channel with these options."""
    return TeamsChannel(options["url"], internal=surroundings.internal_hosts)


# --- the card -------------------------------------------------------------------------------------


def written(letter: Letter) -> bytes:
    """The post, at most 27 KB: lines of a bundle go from the end, and it says how many."""
    count = len(letter.lines)
    while True:
        post = _post(letter, count)
        if len(post) <= POST_BYTES_MAX or not count:
            return post
        count -= 1


def _post(letter: Letter, lines: int) -> bytes:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": _body(letter, lines),
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": letter.url}],
        "msteams": {"width": "Full"},
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    post = {"type": "message", "attachments": [attachment]}
    return json.dumps(post, ensure_ascii=False, separators=(",", ":")).encode()


def _body(letter: Letter, lines: int) -> list[dict[str, Any]]:
    colour = COLOURS.get(letter.severity, "attention") if letter.is_open else "good"
    body = [said(letter.headline, size="medium", weight="bolder", color=colour)]
    body += [said(each) for each in _sentences(letter)]
    for line in letter.lines[:lines]:
        body.append(said(line.text, link=line.url))
    left = len(letter.lines) - lines
    if left:
        body.append(said(f"and {left} more: open the list"))
    facts = [{"title": title, "value": escaped(value)} for title, value in _facts(letter) if value]
    return [*body, {"type": "FactSet", "facts": facts}] if facts else body


def _sentences(letter: Letter) -> list[str]:
    found = [letter.stake, letter.standing, letter.deadline, letter.fallback]
    return [each for each in found if each and each not in letter.headline]


def _facts(letter: Letter) -> list[tuple[str, str]]:
    if letter.lines or not letter.escalation:
        return []
    return [
        ("Severity", letter.severity),
        ("Rule", letter.rule),
        ("Agent", letter.agent),
        ("Environment", letter.environment),
        ("Owner", letter.owner),
    ]


def said(text: str, *, link: str = "", **looks: str) -> dict[str, Any]:
    """One paragraph of plain text: neither Markdown nor a mention means anything in it."""
    run: dict[str, Any] = {"type": "TextRun", "text": text, **looks}
    if link:
        run["selectAction"] = {"type": "Action.OpenUrl", "url": link}
    return {"type": "RichTextBlock", "inlines": [run]}


def escaped(text: str) -> str:
    """Text for a place that reads Markdown and mentions."""
    marked = "".join(f"\\{each}" if each in "\\`*_[]#~" else each for each in text)
    return marked.replace("<", "‹").replace(">", "›")
