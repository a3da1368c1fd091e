"""For whom the engine writes sentences: agents and end users, or colleagues at the console."""

from datetime import datetime
from zoneinfo import ZoneInfo

from pullcord.owner.floor import Floor
from pullcord.path.wording import Reader
from pullcord.wire.replies import PersonOut

#: what agents and end users read where no person decided
BY_RULE = PersonOut(id="rule", shown_as="nobody (fallback by rule)")


def outsider(floor: Floor, timezone: str, now: datetime) -> Reader:
    """Agents and end users: people are called what they are shown as, and never by their id."""
    names = {who: someone.shown_as for who, someone in floor.people.items()}
    return Reader(names, ZoneInfo(timezone), now, stranger="a colleague")


def colleagues(floor: Floor, timezone: str, now: datetime) -> Reader:
    """Everybody of the workspace: full names, on the clock of that zone."""
    names = {who: someone.name for who, someone in floor.people.items()}
    return Reader(names, ZoneInfo(timezone), now)


def colleague(floor: Floor, who: str, now: datetime) -> Reader:
    """One person of the workspace: the same, on the clock of where they are."""
    someone = floor.people.get(who)
    return colleagues(floor, someone.timezone if someone else "UTC", now)


def person_out(reader: Reader, who: str) -> PersonOut:
    """A person as this reader may see them; "rule" where nobody decided."""
    return BY_RULE if who == "rule" else PersonOut(id=who, shown_as=reader.name(who))
