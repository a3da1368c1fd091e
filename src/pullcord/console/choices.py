"""The options of a decision as equal buttons: nothing is preselected, nothing is louder."""

from dataclasses import dataclass

from pullcord.wire.views import DetailView, OptionOut


@dataclass(frozen=True, slots=True)
class Choice:
    """One button: what it sends, what it says, what follows, and the letter that moves to it."""

    value: str
    label: str
    consequence: str
    key: str = ""


def choices(view: DetailView) -> list[Choice]:
    """What can be decided here, in a fixed order."""
    by_kind = {"approve": _approve, "choose": _choose, "answer": _answer, "take_over": _answer}
    return by_kind[view.row.ask_kind](view)


def _approve(view: DetailView) -> list[Choice]:
    said = {each.id: each for each in view.options}
    can_edit = any(each.is_editable for each in view.fields)
    found = [_said(said.get("approve"), "approve", "Approve", "It runs exactly as proposed.", "a")]
    if can_edit:
        edit = Choice("edit", "Approve with changes", "It runs with what you change above.", "a")
        found.append(edit)
    rejected = "Nothing runs. The agent is told why."
    found.append(_said(said.get("reject"), "reject", "Reject", rejected, "r"))
    return found


def _said(option: OptionOut | None, value: str, label: str, otherwise: str, key: str) -> Choice:
    """An option with the policy's words where it has any."""
    if option is None:
        return Choice(value, label, otherwise, key)
    return Choice(value, option.label or label, option.consequence or otherwise, key)


def _choose(view: DetailView) -> list[Choice]:
    found = [
        Choice(f"choose:{each.id}", each.label, _consequence(each), "a" if number == 0 else "")
        for number, each in enumerate(view.options)
    ]
    return [*found, Choice("reject", "None of these", "Nothing runs. The agent is told why.", "r")]


def _consequence(option: OptionOut) -> str:
    fallback = "This is used when nobody decides." if option.is_safe else ""
    return " ".join(each for each in (option.consequence, fallback) if each)


def _answer(view: DetailView) -> list[Choice]:
    given = "The agent goes on with what you wrote."
    refused = "The agent is told why there is no answer."
    return [Choice("answer", "Answer", given, "a"), Choice("reject", "No answer", refused, "r")]
