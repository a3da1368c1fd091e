"""A provider that is called back: boards on which notes are pinned, edited and pressed.

It outlives every process of the house. It fails, is slow, drops what it said it took, tells late
what became of a note, tells it twice, and its people press buttons that are long out of date. Two
things it never does: it forgets no note, and a key it knows is the same note again.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from pullcord.channels.port import (
    Abilities,
    Event,
    FoundBy,
    Learned,
    Letter,
    Outcome,
    Pressed,
    Sent,
)
from pullcord.engine.house import House
from tests.simulation.faults import Machine
from tests.simulation.loop import elapse
from tests.simulation.policy import OPERATORS, WORKSPACE

if TYPE_CHECKING:
    from tests.simulation.world import World

NAME = "board"
#: how long after a note its receipt is told, and its button pressed, in seconds
TOLD_AFTER = (1.0, 600.0)
PRESSED_AFTER = (3.0, 240.0)
#: share of notes whose receipt is told, of those told twice, and of those somebody presses
TOLD, TWICE, PRESSED = 0.6, 0.3, 0.25
#: seconds a slow provider needs; a channel leaves it after ten
SLOW = (3.0, 9.5)
LOST = Sent(Outcome.RETRY, "no answer")
#: how often a callback without an answer is made again
AGAIN_MAX = 3
#: tries after which the courier gives a copy up
TRIES = 6


@dataclass(slots=True)
class Note:
    """One note as it hangs there now."""

    reference: str
    letter: Letter
    #: tokens as they were when it was pinned
    first: tuple[str, ...]
    is_dropped: bool = False
    #: edits in a row that were not answered with a yes, and whether the last was refused for good
    misses: int = 0
    is_refused: bool = False

    @property
    def is_given_up(self) -> bool:
        """Whether the house may have stopped trying to edit it."""
        return self.is_refused or self.misses >= TRIES


@dataclass(slots=True)
class Call:
    """A callback that will be made."""

    at: float
    event: Event
    tries: int = 0


@dataclass(slots=True)
class Board:
    """The provider of one world."""

    world: "World"
    rng: random.Random
    notes: dict[str, Note] = field(default_factory=dict)
    #: reference by message key
    keys: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    presses: int = 0

    # --- what the house asks of it ------------------------------------------------------------
    def pin(self, letter: Letter, *, is_dropped: bool) -> str:
        """A new note, or what is known under this key made to say this."""
        reference = self.keys.get(letter.id)
        tokens = tuple(each.token for each in letter.buttons)
        if reference is not None:
            self.notes[reference].letter = letter
            return reference
        reference = f"note-{len(self.notes) + 1}"
        self.keys[letter.id] = reference
        self.notes[reference] = Note(reference, letter, tokens, is_dropped)
        self._will_tell(reference, is_dropped=is_dropped)
        if not is_dropped:
            self.world.told(letter)
            if tokens and self.rng.random() < PRESSED:
                self._will_be_pressed(reference)
        return reference

    def _will_tell(self, reference: str, *, is_dropped: bool) -> None:
        """Sooner or later, once or twice; about what was dropped perhaps never."""
        outcome = Outcome.FAILED if is_dropped else Outcome.DELIVERED
        if self.rng.random() < TOLD:
            self._later(Learned(reference, outcome, "told late"), TOLD_AFTER)

    def _will_be_pressed(self, reference: str) -> None:
        note = self.notes[reference]
        token = self.rng.choice(note.first)
        self._later(Pressed(note.letter.address, token), PRESSED_AFTER)

    def _later(self, event: Event, span: tuple[float, float]) -> None:
        now = self.world.clock.elapsed()
        self.calls.append(Call(now + self.rng.uniform(*span), event))
        if self.rng.random() < TWICE:
            self.world.weather.note("callback twice")
            self.calls.append(Call(now + self.rng.uniform(*span), event))

    # --- what it does by itself ---------------------------------------------------------------
    async def live(self) -> None:
        """Call the house back when it is time, and again when there is no answer."""
        while True:
            await elapse(self.rng.uniform(2, 15))
            now = self.world.clock.elapsed()
            due = [each for each in self.calls if each.at <= now]
            self.calls = [each for each in self.calls if each.at > now]
            for each in due:
                await self._call(each)

    async def _call(self, call: Call) -> None:
        async def take(house: House) -> None:
            (answer,) = await house.inbound.take(NAME, [call.event])
            assert answer.text, f"no answer to {call.event}"

        is_answered = await self.world.answers(take)
        if not is_answered and call.tries < AGAIN_MAX:
            self.calls.append(Call(self.world.clock.elapsed() + 30, call.event, call.tries + 1))
        self.presses += isinstance(call.event, Pressed)


class StormyBoard:
    """The way to the board, through the weather."""

    name = NAME
    can = Abilities(
        is_private=True,
        has_buttons=True,
        decides=True,
        has_threads=True,
        has_receipts=True,
        found_by=FoundBy.LINK,
        bundles_for=timedelta(seconds=20),
    )

    def __init__(self, process: Machine, board: Board, is_dead: Callable[[], bool]) -> None:
        self._process = process
        self._board = board
        self._is_dead = is_dead

    async def send(self, letter: Letter) -> Sent:
        """Pin a note: it may be dropped, and the process may die before it knows."""
        trouble = await self._trouble()
        if trouble is not None:
            return trouble
        weather = self._process.weather
        is_dropped = weather.strikes("dropped by the board", weather.channel)
        reference = self._board.pin(letter, is_dropped=is_dropped)
        await self._process.may_crash()
        if weather.strikes("answer of the board lost", weather.channel / 2):
            return LOST
        return Sent(Outcome.ACCEPTED, "pinned", reference=reference)

    async def edit(self, reference: str, letter: Letter) -> Sent:
        """Make a note say how things stand; refused, it says what it said before."""
        note = self._board.notes[reference]
        trouble = await self._trouble()
        if trouble is not None:
            note.misses += 1
            note.is_refused = trouble.outcome is Outcome.FAILED
            return trouble
        note.letter, note.is_refused = letter, False
        await self._process.may_crash()
        if self._process.weather.strikes("answer of the board lost", 0.02):
            note.misses += 1
            return LOST
        note.misses = 0
        return Sent(Outcome.ACCEPTED, "changed", reference=reference)

    async def _trouble(self) -> Sent | None:
        await self._process.may_crash()
        weather = self._process.weather
        if weather.strikes("slow board", weather.channel / 2):
            await elapse(weather.rng.uniform(*SLOW))
        if self._is_dead() and not weather.is_calm:
            weather.note("dead board")
            return Sent(Outcome.RETRY, "no answer")
        if weather.strikes("failed board", weather.channel):
            wait = weather.rng.choice((None, 30.0))
            return weather.rng.choice(
                (Sent(Outcome.RETRY, "busy", retry_after=wait), Sent(Outcome.FAILED, "gone"))
            )
        return None

    async def close(self) -> None:
        """Nothing to let go of."""


async def linked(house: House) -> None:
    """Everybody who operates has an account on the board."""
    for who in OPERATORS:
        await house.linking.put(
            WORKSPACE, who, NAME, account=account(who), name=who, address=account(who)
        )


def account(who: str) -> str:
    """The account of somebody, which is also where their notes hang."""
    return f"{who}@board"
