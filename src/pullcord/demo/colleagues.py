"""The scripted colleagues: they look at what they are asked, take their time, and answer."""

import asyncio

import structlog

from pullcord.demo.stage import VISITOR
from pullcord.demo.story import Answer, Situation
from pullcord.engine.house import House
from pullcord.errors import PullcordError
from pullcord.path.escalation import Escalation, Status, person
from pullcord.store.port import Filter
from pullcord.wire import requests as wire

#: seconds between two looks at the inbox; escalations looked at
LOOK_SECONDS = 0.3
LOOKED_AT_MAX = 100

log = structlog.get_logger("pullcord.demo")


class Colleagues:
    """People of the demo who are not the visitor."""

    def __init__(self, house: House, workspace: str, story: tuple[Situation, ...]) -> None:
        self._house = house
        self._workspace = workspace
        self._answers = {each.id: each.answer for each in story}
        self._busy: set[str] = set()

    async def work(self) -> None:
        """Look at the inbox until cancelled; what they are thinking about ends with it."""
        async with asyncio.TaskGroup() as thoughts:
            while True:
                try:
                    await self._look(thoughts)
                except PullcordError as problem:
                    log.warning("colleagues_stumbled", problem=str(problem))
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, thoughts: asyncio.TaskGroup) -> None:
        wanted = Filter(statuses=(Status.OPEN,))
        page = await self._house.store.find(self._workspace, wanted, limit=LOOKED_AT_MAX)
        for row in page.rows:
            found = row.escalation
            answer = self._answers.get(found.run.partition("/")[0])
            who = _able(found, answer) if answer else ""
            if answer and who and found.id not in self._busy:
                self._busy.add(found.id)
                thoughts.create_task(self._answer(found.id, who, answer))

    async def _answer(self, name: str, who: str, answer: Answer) -> None:
        desk, workspace, by = self._house.desk, self._workspace, person(who)
        try:
            await asyncio.sleep(answer.after / 2)
            await desk.act(workspace, name, by, wire.AcceptIn(), via="console")
            await asyncio.sleep(answer.after)
            await desk.act(workspace, name, by, _decision(answer), via="console")
        except PullcordError as problem:
            # the visitor was faster: that is what the demo is for
            log.info("colleague_was_late", who=who, problem=str(problem))
        finally:
            self._busy.discard(name)


def _able(escalation: Escalation, answer: Answer) -> str:
    """The colleague who is asked now and answers this one; empty when nobody does."""
    offer = escalation.offer
    named = answer.by.split(",")
    asked = offer.candidates if offer else ()
    return next((each for each in asked if each in named and each != VISITOR), "")


def _decision(answer: Answer) -> wire.DecideIn:
    if answer.does == "edit":
        return wire.DecideIn(kind="edit", args=answer.args, note=answer.note)
    if answer.does == "answer":
        return wire.DecideIn(kind="answer", answer=answer.answer, note=answer.note)
    if answer.does == "choose":
        return wire.DecideIn(kind="choose", option=answer.option, note=answer.note)
    if answer.does == "reject":
        return wire.DecideIn(kind="reject", note=answer.note)
    return wire.DecideIn(kind="approve", note=answer.note)
