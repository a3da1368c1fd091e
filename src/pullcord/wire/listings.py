"""What the lists of the API carry, and the small requests and receipts around them."""

from datetime import datetime
from typing import Annotated

import msgspec

from pullcord.wire.bounds import MaybeText, Name
from pullcord.wire.replies import EntryOut, Reply
from pullcord.wire.requests import Request
from pullcord.wire.views import OnCallLine, PersonLine

#: labels in one batch
OUTCOMES_MAX = 200


class DrillIn(Request, frozen=True, kw_only=True):
    """`POST /v1/drills`: a marked test escalation through a real ladder."""

    ladder: Name


class LabelIn(Request, frozen=True, kw_only=True):
    """A label learned afterwards about one escalation."""

    escalation: Name
    label: Name
    text: MaybeText = ""


class OutcomesIn(Request, frozen=True, kw_only=True):
    """`POST /v1/outcomes`: labels of many escalations, all or none."""

    outcomes: Annotated[list[LabelIn], msgspec.Meta(min_length=1, max_length=OUTCOMES_MAX)]


class TimelineOut(Reply, frozen=True, kw_only=True):
    """Entries of one timeline in order; an empty cursor is the end, else `after` of the next."""

    entries: list[EntryOut]
    cursor: str = ""


class RecordedOut(Reply, frozen=True, kw_only=True):
    """How many were taken in."""

    recorded: int


class AppliedOut(Reply, frozen=True, kw_only=True):
    """The policy that is in force now, and what may be a mistake in it."""

    version: str
    warnings: list[str]


class OnCallOut(Reply, frozen=True, kw_only=True):
    """Who answers each ladder now."""

    on_call: list[OnCallLine]


class PeopleOut(Reply, frozen=True, kw_only=True):
    """The people of the workspace."""

    people: list[PersonLine]


class ShiftOut(Reply, frozen=True, kw_only=True):
    """Who is on duty together, from `start_at` until `end_at` (half-open)."""

    people: list[str]
    start_at: datetime
    end_at: datetime


class ScheduleOut(Reply, frozen=True, kw_only=True):
    """A named duty: its rotation, and its shifts of the next two weeks."""

    id: str
    name: str
    people: list[str]
    timezone: str
    shifts: list[ShiftOut]


class SchedulesOut(Reply, frozen=True, kw_only=True):
    """The schedules of the workspace."""

    schedules: list[ScheduleOut]


class HoldOut(Reply, frozen=True, kw_only=True):
    """Whether the database is held: looked at by everybody, changed by nobody."""

    is_held: bool
    since: datetime | None = None
    by: str = ""
    why: str = ""


class HealthOut(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """Alive or ready; warnings are what people should look at while it serves on."""

    status: str
    warnings: list[str] = []


class ChangeOut(Reply, frozen=True, kw_only=True):
    """The data of one `changed` event: what to read again; never what it holds."""

    topic: str
    id: str
    version: int
