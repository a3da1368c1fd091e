"""One act in the making: entries in order, the state after them, the messages they cause."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pullcord.path.escalation import (
    Actor,
    ActorKind,
    Change,
    Entry,
    Escalation,
    Json,
    Message,
    MessageKind,
    moved_on,
)
from pullcord.path.timeline import changed


class Draft:
    """Collects what one verb does to one escalation and turns it into a `Change`.

    `now` is the instant of the act; `state` is the escalation after the entries so far, in the
    beginning with what is `pinned`.
    """

    def __init__(self, escalation: Escalation, now: datetime, **pinned: Any) -> None:
        self.at = now
        self._before: Escalation | None = escalation if escalation.version else None
        self.state = moved_on(escalation, version=escalation.version + 1, **pinned)
        self._entries: list[Entry] = []
        self._messages: list[Message] = []

    def enter(
        self,
        kind: str,
        by: Actor,
        *,
        facts: Mapping[str, Json] | None = None,
        sealed: Mapping[str, Json] | None = None,
        **updates: Any,
    ) -> None:
        """Note that something happened and what it changed."""
        if updates:
            self.state = moved_on(self.state, **updates)
        self._entries.append(
            Entry(
                escalation=self.state.id,
                kind=kind,
                at=self.at,
                by=by,
                facts=facts or {},
                sets=changed(self._before, self.state),
                sealed=sealed or {},
            )
        )
        self._before = self.state

    def named(self, what: str) -> str:
        """The name of a sealed content of this act."""
        return f"{what}/{self.state.version}"

    def reason(self, text: str) -> dict[str, Json]:
        """A given reason as sealed content; nothing when none was given."""
        return {self.named("reason"): {"text": text}} if text else {}

    def tell(
        self,
        kind: MessageKind,
        people: Iterable[str],
        *,
        wakes: bool = False,
        urgency: int = 1,
    ) -> None:
        """A message to each of these people."""
        for each in people:
            self._say(kind, ActorKind.PERSON, each, wakes=wakes, urgency=urgency)

    def tell_agent(self, kind: MessageKind) -> None:
        """A message to the agent, if one waits."""
        if self.state.is_awaited:
            self._say(kind, ActorKind.AGENT, self.state.agent)

    def tell_end_user(self, kind: MessageKind) -> None:
        """A message to the end user, if there is one."""
        if self.state.end_user:
            self._say(kind, ActorKind.END_USER, self.state.end_user)

    def _say(
        self,
        kind: MessageKind,
        to: ActorKind,
        to_id: str,
        *,
        wakes: bool = False,
        urgency: int = 1,
    ) -> None:
        self._messages.append(
            Message(
                escalation=self.state.id,
                to=to,
                to_id=to_id,
                kind=kind,
                generation=self.state.generation,
                at=self.at,
                wakes=wakes,
                urgency=urgency,
            )
        )

    def change(self) -> Change:
        """What this act wants from the store."""
        assert self._entries, f"an act on {self.state.id} that nobody could read about later"
        assert not self.state.is_living or (self.state.owner and self.state.due_at), (
            f"{self.state.id} would live without owner or deadline"
        )
        return Change(
            escalations=(self.state,),
            entries=tuple(self._entries),
            messages=tuple(self._messages),
        )
