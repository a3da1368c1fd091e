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

    def why_unavailable(self, who: str, at: datetime) -> str:
        """Why this person cannot be asked now, as a phrase; empty when they can."""
        person = self.people.get(who)
        if person is None:
            return f"{who} is not a person of this workspace"
        if not person.is_active:
            return f"{person.name} is no longer active"
        if not person.is_reachable and not self.linked.get(who):
            return f"{person.name} has no contact"
        away_until = person.absent_until(at)
        if away_until is not None:
            return f"{person.name} is away until {away_until:%Y-%m-%d %H:%M} UTC"
        if self.load.get(who, 0) >= person.capacity:
            return f"{person.name} already holds {self.load.get(who, 0)}"
        return ""
