"""From a request to a verb: one table, so that API, console and channels act the same way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from pullcord.owner.floor import Floor
from pullcord.path import asking, deciding, ending, talking
from pullcord.path.deciding import Ruling, Sign
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    Change,
    DecisionKind,
    Escalation,
)
from pullcord.wire import requests as wire


@dataclass(frozen=True, slots=True)
class Scene:
    """What a verb is given besides the escalation: who, the floor, the time, how to sign."""

    by: Actor
    floor: Floor
    now: datetime
    sign: Sign
    nonce: str
    via: str
    #: what a person decided, prepared from the request and the sealed proposal
    ruling: Ruling | None = None
    #: under which name this may be kept once; empty where nothing repeats it
    once: str = ""


Verb = Callable[[Escalation, Any, Scene], Change]


def _accept(escalation: Escalation, request: wire.AcceptIn, scene: Scene) -> Change:
    return asking.accept(escalation, scene.by.id, scene.floor, scene.now)


def _decline(escalation: Escalation, request: wire.DeclineIn, scene: Scene) -> Change:
    return asking.decline(escalation, scene.by.id, scene.floor, scene.now, reason=request.reason)


def _release(escalation: Escalation, request: wire.ReleaseIn, scene: Scene) -> Change:
    return asking.release(escalation, scene.by.id, scene.floor, scene.now, reason=request.reason)


def _reassign(escalation: Escalation, request: wire.ReassignIn, scene: Scene) -> Change:
    return asking.reassign(
        escalation,
        scene.by.id,
        scene.floor,
        scene.now,
        to=request.to,
        reason=request.reason,
    )


def _snooze(escalation: Escalation, request: wire.SnoozeIn, scene: Scene) -> Change:
    within = timedelta(seconds=request.seconds)
    return asking.snooze(escalation, scene.by.id, scene.floor, scene.now, within=within)


def _extend(escalation: Escalation, request: wire.ExtendIn, scene: Scene) -> Change:
    return asking.extend(
        escalation,
        scene.by.id,
        scene.floor,
        scene.now,
        within=timedelta(seconds=request.seconds),
        reason=request.reason,
    )


def _ask(escalation: Escalation, request: wire.QuestionIn, scene: Scene) -> Change:
    return talking.ask_back(
        escalation,
        scene.by.id,
        scene.floor,
        scene.now,
        to=ActorKind(request.to),
        text=request.text,
    )


def _reply(escalation: Escalation, request: wire.ReplyIn, scene: Scene) -> Change:
    return talking.reply(
        escalation, scene.by, scene.now, question=request.question, text=request.text
    )


def _context(escalation: Escalation, request: wire.ContextIn, scene: Scene) -> Change:
    return talking.add_context(escalation, scene.by, scene.floor, scene.now, text=request.text)


def _comment(escalation: Escalation, request: wire.CommentIn, scene: Scene) -> Change:
    return talking.comment(
        escalation, scene.by.id, scene.floor, scene.now, text=request.text, once=scene.once
    )


def _take_over(escalation: Escalation, request: wire.TakeOverIn, scene: Scene) -> Change:
    return deciding.take_over(escalation, scene.by.id, scene.floor, scene.now)


def _decide(escalation: Escalation, request: wire.DecideIn, scene: Scene) -> Change:
    return deciding.decide(
        escalation,
        scene.by.id,
        scene.floor,
        scene.now,
        ruling=cast(Ruling, scene.ruling),
        sign=scene.sign,
    )


def _hand_back(escalation: Escalation, request: wire.HandBackIn, scene: Scene) -> Change:
    note = {name: getattr(request.note, name) for name in request.note.__struct_fields__}
    ruling = Ruling(
        kind=DecisionKind.HAND_BACK,
        via=scene.via,
        nonce=scene.nonce,
        content={"hand_back": note},
        has_note=any(note.values()),
    )
    return deciding.hand_back(
        escalation, scene.by.id, scene.floor, scene.now, ruling=ruling, sign=scene.sign
    )


def _withdraw(escalation: Escalation, request: wire.WithdrawIn, scene: Scene) -> Change:
    return ending.withdraw(escalation, scene.by, scene.now, reason=request.reason)


#: what each request does; the desk refuses a request that is not here
VERBS: Mapping[type[wire.Act], Verb] = {
    wire.AcceptIn: _accept,
    wire.DeclineIn: _decline,
    wire.ReleaseIn: _release,
    wire.ReassignIn: _reassign,
    wire.SnoozeIn: _snooze,
    wire.ExtendIn: _extend,
    wire.QuestionIn: _ask,
    wire.ReplyIn: _reply,
    wire.ContextIn: _context,
    wire.CommentIn: _comment,
    wire.TakeOverIn: _take_over,
    wire.HandBackIn: _hand_back,
    wire.DecideIn: _decide,
    wire.WithdrawIn: _withdraw,
}

#: what an agent's key may send besides collect and report
AGENT_ACTS = frozenset({wire.ReplyIn, wire.ContextIn, wire.WithdrawIn})
#: what the end user may send through the status page
END_USER_ACTS = frozenset({wire.ReplyIn, wire.ContextIn, wire.WithdrawIn})
#: what only agents and end users send
NOT_FOR_PEOPLE = frozenset({wire.ReplyIn, wire.WithdrawIn})
