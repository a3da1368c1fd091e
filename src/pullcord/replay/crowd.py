"""The scripted people of a replay: what somebody does is drawn once, from the call itself.

Most approve; some change a number, say no, pass it on, or never answer so that the ladder
advances. The same recording meets the same people in every replay.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import structlog

from pullcord.engine.bus import Listener
from pullcord.engine.house import House
from pullcord.errors import PullcordError
from pullcord.path.escalation import AskKind, Control, Escalation, Status, person
from pullcord.store.port import Filter
from pullcord.wire import requests as wire

#: acts under way at once; seconds between two looks at everything that is open
BUSY_MAX = 64
LOOK_SECONDS = 1.0
#: silence longer than this many seconds would make a replay wait instead of show
SILENCE_MAX = 5.0
#: of 100 stops: how many are met with silence, passed on, refused, changed; the rest is approved
SHARES: Mapping[str, int] = {"silent": 4, "decline": 5, "reject": 10, "edit": 8}

log = structlog.get_logger("pullcord.replay")


def mood_of(escalation: Escalation) -> str:
    """What the first person asked about this call does; the same in every replay."""
    name = f"{escalation.run}/{escalation.call}/{escalation.tool}"
    drawn = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 100
    for mood, share in SHARES.items():
        if drawn < share:
            return mood
        drawn -= share
    return "approve"


class Crowd:
    """Everybody who is asked, answering within moments."""

    def __init__(self, house: House, workspace: str, *, thinks_for: float = 0.02) -> None:
        self._house = house
        self._workspace = workspace
        self._thinks_for = thinks_for
        self._busy: set[str] = set()

    async def work(self) -> None:
        """Answer until cancelled; what they are thinking about ends with it."""
        listener = self._house.bus.listen(self._workspace)
        try:
            async with asyncio.TaskGroup() as thoughts:
                while True:
                    try:
                        await self._look(thoughts)
                    except PullcordError as problem:
                        log.warning("crowd_stumbled", problem=str(problem))
                    await self._hint(listener)
        finally:
            listener.close()

    async def _hint(self, listener: Listener) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await listener.next()
        except TimeoutError:
            return

    async def _look(self, thoughts: asyncio.TaskGroup) -> None:
        wanted = Filter(statuses=(Status.OPEN, Status.ACCEPTED))
        page = await self._house.store.find(self._workspace, wanted, limit=BUSY_MAX * 4)
        for row in page.rows:
            found = row.escalation
            if found.id in self._busy or len(self._busy) >= BUSY_MAX:
                continue
            self._busy.add(found.id)
            thoughts.create_task(self._meet(found))

    async def _meet(self, found: Escalation) -> None:
        try:
            await asyncio.sleep(self._thinks_for)
            await self._act(found)
        except PullcordError as problem:
            log.debug("crowd_was_late", escalation=found.id, problem=str(problem))
        finally:
            self._busy.discard(found.id)

    async def _act(self, found: Escalation) -> None:
        who, mood = found.owner, mood_of(found)
        is_first = found.rung == 0 and not found.declined
        if found.status is Status.OPEN:
            if mood == "silent" and is_first and _is_short(found):
                return
            if mood == "decline" and is_first:
                await self._send(found, who, wire.DeclineIn(reason="Not my field."))
                return
            await self._send(found, who, wire.AcceptIn())
        await self._decide(found, who, mood)

    async def _decide(self, found: Escalation, who: str, mood: str) -> None:
        if mood == "reject" and found.ask_kind is not AskKind.TAKE_OVER:
            await self._send(found, who, wire.DecideIn(kind="reject", note="Not like this."))
        elif found.ask_kind is AskKind.TAKE_OVER:
            if found.control is not Control.HUMAN:
                await self._send(found, who, wire.TakeOverIn())
            note = wire.HandBackNoteIn(decided="I talked to them.", may_assume="They agree.")
            await self._send(found, who, wire.HandBackIn(note=note))
        elif found.ask_kind is AskKind.ANSWER:
            await self._send(found, who, wire.DecideIn(kind="answer", answer="Go on."))
        elif found.ask_kind is AskKind.CHOOSE:
            option = found.terms.safe_option or ""
            await self._send(found, who, wire.DecideIn(kind="choose", option=option))
        else:
            await self._approve(found, who, mood)

    async def _approve(self, found: Escalation, who: str, mood: str) -> None:
        shown = await self._house.contents.one(self._workspace, found.id, "shown")
        changed = changed_number(shown["document"]["args"]) if mood == "edit" else None
        if changed is None:
            await self._send(found, who, wire.DecideIn(kind="approve"))
            return
        try:
            await self._send(found, who, wire.DecideIn(kind="edit", args=changed, note="Less."))
        except PullcordError:
            await self._send(found, who, wire.DecideIn(kind="approve"))

    async def _send(self, found: Escalation, who: str, act: wire.Act) -> None:
        await self._house.desk.act(self._workspace, found.id, person(who), act, via="console")


def _is_short(found: Escalation) -> bool:
    return bool(found.ladder.rungs) and (
        found.ladder.rungs[0].accept_within.total_seconds() <= SILENCE_MAX
    )


def changed_number(args: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments with their first number made smaller; None when there is none to change."""
    for name, value in args.items():
        if type(value) in (int, float) and value > 1:
            smaller = value // 2 if isinstance(value, int) else round(value / 2, 2)
            return {**args, name: smaller}
    return None
