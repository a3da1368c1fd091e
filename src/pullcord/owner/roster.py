"""The people: who they are, how they can be reached, when they are away."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pullcord.owner.reach import Reach

#: living escalations one person may hold before others are asked first
CAPACITY_DEFAULT = 8


class Role(StrEnum):
    """What a person may do; the table is in `authority`."""

    OPERATOR = "operator"
    LEAD = "lead"
    DEVELOPER = "developer"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Absence:
    """A time away, half-open: [start_at, end_at)."""

    start_at: datetime
    end_at: datetime
    note: str = ""


#: nobody's own rules: every quiet way at once, loud ones where a rung wakes
NO_RULES = Reach()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be asked."""

    id: str
    name: str
    #: how agents and end users see them: "Maria from Billing"
    shown_as: str
    role: Role = Role.OPERATOR
    email: str = ""
    phone: str = ""
    timezone: str = "UTC"
    is_active: bool = True
    #: whether they can open the console: it is a way to reach them
    can_sign_in: bool = True
    #: living escalations they may hold before others are asked first
    capacity: int = CAPACITY_DEFAULT
    absences: tuple[Absence, ...] = ()
    #: their own rules: which way after how long, quiet hours, how often they may be woken
    reach: Reach = NO_RULES

    def absent_until(self, at: datetime) -> datetime | None:
        """When the absence that holds now ends; None when they are not away."""
        ends = [each.end_at for each in self.absences if each.start_at <= at < each.end_at]
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class Team:
    """People who answer together; the lead answers when nobody else does."""

    id: str
    members: tuple[str, ...]
    lead: str = ""
    name: str = ""
