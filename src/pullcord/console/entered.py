"""What a person typed into a form, and what stood in the way: kept, so that nothing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pullcord.errors import InvalidInput, PullcordError, StaleView, WorldMovedOn

#: fields of a form that carry no words of a person
MACHINERY = frozenset({"csrf", "generation", "shown_digest", "reviewed", "decision", "next"})
#: the title of a lost race until the page knows by name who won it
RACE = "Somebody or something was first"
#: words that are kept visibly when their form is gone
WORDS = {
    "note": "Reason or note",
    "answer": "Answer",
    "text": "Text",
    "reason": "Why",
    "decided": "What you decided",
    "done_outside": "What you did outside",
    "may_assume": "What the agent may assume",
    "must_not": "What it must not do",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an act did not happen, beside which field to say so, and what to do now."""

    text: str
    #: name of the form's field; empty for the whole page
    field: str = ""
    title: str = "That did not work"
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """One form as it came back; a fresh page has an empty one."""

    verb: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    def value(self, verb: str, name: str, default: str = "") -> str:
        """What was typed into this field of this form, else the default."""
        return self.values.get(name, default) if verb == self.verb else default

    def is_checked(self, verb: str, name: str, default: object) -> bool:
        """Whether a box was ticked; an unticked box is not sent, its companion is."""
        if verb == self.verb and f"{name}#shown" in self.values:
            return name in self.values
        return bool(default)

    def problem_of(self, verb: str) -> Problem | None:
        """What stands beside a field of this form."""
        return self.problem if verb == self.verb else None

    @property
    def kept_texts(self) -> list[tuple[str, str]]:
        """The words that were typed, by label; arguments are kept in their own fields."""
        return [
            (WORDS[name], text)
            for name, text in self.values.items()
            if name in WORDS and text.strip()
        ]


FRESH = Entered()


def problem_from(error: PullcordError) -> Problem:
    """An error in words for the person who tried, beside the field it names."""
    if isinstance(error, InvalidInput):
        text = error.args[0] if not error.remedy else _allowed(error)
        return Problem(text, field=_field(error.field), title="Please look again")
    if isinstance(error, StaleView):
        return Problem(
            str(error),
            title="It changed since you opened it",
            remedy="This page shows it as it is now. Nothing was done; read it, then act.",
        )
    if isinstance(error, WorldMovedOn):
        return Problem(str(error), title=RACE, remedy="Nothing of yours was done.")
    return Problem(str(error))


def _allowed(error: InvalidInput) -> str:
    return f"{error.remedy} Allowed: {error.limit}." if error.limit else error.remedy


def _field(name: str) -> str:
    """A field of the wire by its name in our forms."""
    if name.startswith("args."):
        return f"arg.{name.removeprefix('args.')}"
    return {"kind": "decision", "option": "decision"}.get(name, name)
