"""The floor: one snapshot of who is there, who is free and who was asked when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pullcord.owner.roster import Person, Team
from pullcord.owner.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything the resolver may look at; `version` grows when it is read again."""

    version: int
    at: datetime
    people: Mapping[str, Person]
    teams: Mapping[str, Team] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    #: living escalations each person owns
    load: Mapping[str, int] = field(default_factory=dict)
    last_asked_at: Mapping[str, datetime] = field(default_factory=dict)
    workspace_catch_all: str = ""
    #: (channel, address) of the accounts and devices each person linked
    linked: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    #: who has chosen a password; None until somebody has: a house that is only tried out
    accounts: frozenset[str] | None = None

    def can_sign_in(self, who: str) -> bool:
        """Whether the console is a way to this person: they may open it, and have a password."""
        person = self.people.get(who)
        may = person is not None and person.is_active and person.can_sign_in
        return may and (self.accounts is None or who in self.accounts)

    def has_contact(self, who: str) -> bool:
        """Whether there is any way to tell this person something."""
        person = self.people[who]
        return bool(person.email or person.phone or self.linked.get(who) or self.can_sign_in(who))

    def why_unavailable(self, who: str, at: datetime) -> str:
        """Why this person cannot be asked now, as a phrase; empty when they can."""
        person = self.people.get(who)
        if person is None:
            return f"{who} is not a person of this workspace"
        if not person.is_active:
            return f"{person.name} is no longer active"
        if not self.has_contact(who):
            return f"{person.name} has no contact"
        away_until = person.absent_until(at)
        if away_until is not None:
            return f"{person.name} is away until {away_until:%Y-%m-%d %H:%M} UTC"
        if self.load.get(who, 0) >= person.capacity:
            return f"{person.name} already holds {self.load.get(who, 0)}"
        return ""
