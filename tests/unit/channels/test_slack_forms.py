"""Forms as modals: every kind of input, what is wrong beside it, and what comes back."""

from typing import Any

import pytest

from pullcord.channels.port import Answer, Form, Input, InputKind
from pullcord.channels.slack.forms import kept_in, modal, notice, response, values_in
from tests.conformance.channels.slack_double import SlackDouble
from tests.conformance.channels.slack_kit import check_modal, words_of


def form(*inputs: Input, **changes: Any) -> Form:
    fields: dict[str, Any] = {
        "title": "Approve with changes",
        "token": "A1b2-_" * 30,
        "inputs": inputs or (Input("note", "Why not?", InputKind.TEXT, is_needed=True),),
        "submit": "Approve with changes",
        "lead": "Refund EUR 480.00 to Anna? This cannot be undone.",
        **changes,
    }
    return Form(**fields)


def element(field: Input) -> dict[str, Any]:
    """How one input looks, in a modal Slack takes."""
    view = modal(form(field), channel="D1MARIA")
    assert check_modal(view) == ""
    found: dict[str, Any] = view["blocks"][-1]["element"]
    return found


CHOICES = (("agent", "The agent"), ("end_user", "The end user"))


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (Input("a", "A"), "plain_text_input"),
        (Input("a", "A", InputKind.TEXT, value="two\nlines"), "plain_text_input"),
        (Input("a", "A", InputKind.NUMBER, value="480.5"), "number_input"),
        (Input("a", "A", InputKind.INTEGER, value="-3"), "number_input"),
        (Input("a", "A", InputKind.CHOICE, value="agent", choices=CHOICES), "static_select"),
        (Input("a", "A", InputKind.CHOICE, choices=CHOICES), "static_select"),
        # lists that Slack cannot show are typed
        (Input("a", "A", InputKind.CHOICE), "plain_text_input"),
        (Input("a", "A", InputKind.CHOICE, choices=(("", ""),)), "plain_text_input"),
        (Input("a", "A", InputKind.CHOICE, choices=(("x" * 76, "x"),)), "plain_text_input"),
        (
            Input("a", "A", InputKind.CHOICE, choices=tuple((str(n), str(n)) for n in range(101))),
            "plain_text_input",
        ),
    ],
)
def test_every_input_has_a_type_slack_takes(field: Input, kind: str) -> None:
    """A number is typed on a number pad."""
    assert element(field)["type"] == kind


def test_an_input_holds_what_was_proposed() -> None:
    """Whoever changes one thing leaves the rest as it is."""
    assert element(Input("a", "A", InputKind.NUMBER, value="480"))["initial_value"] == "480"
    chosen = element(Input("a", "A", InputKind.CHOICE, value="agent", choices=CHOICES))
    assert chosen["initial_option"]["value"] == "agent"
    assert element(Input("a", "A", InputKind.TEXT))["multiline"]


def test_long_labels_and_hints_are_cut_to_what_slack_takes() -> None:
    """A tool's description may be a page."""
    view = modal(
        form(Input("a", "&" * 900, help="<" * 900), title="t" * 40, submit="s" * 40),
        channel="D1MARIA",
    )

    assert check_modal(view) == ""


def test_an_input_whose_name_slack_cannot_keep_is_left_as_it_is() -> None:
    """Nobody changes it here; the page can."""
    view = modal(form(Input("a" * 256, "A"), Input("note", "Note")), channel="D1MARIA")

    assert [each["block_id"] for each in view["blocks"] if "element" in each] == ["note"]


def test_what_was_filled_in_comes_back_by_name() -> None:
    """Empty is empty, not missing."""
    fields = (
        Input("arg.amount", "amount", InputKind.NUMBER, value="480"),
        Input("to", "Whom?", InputKind.CHOICE, value="agent", choices=CHOICES),
        Input("note", "Note", InputKind.TEXT),
    )
    view = modal(form(*fields, lead=""), channel="D1MARIA", thread="1.2")
    sent = SlackDouble().filled(view, arg__amount="240")["view"]

    assert values_in(sent) == {"arg.amount": "240", "to": "agent", "note": ""}
    assert kept_in(sent) == {"token": "A1b2-_" * 30, "channel": "D1MARIA", "thread": "1.2"}


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"callback_id": "pullcord", "private_metadata": "{"},
        {"callback_id": "pullcord", "private_metadata": "[]"},
        {"callback_id": "somebody-elses", "private_metadata": '{"token": "x"}'},
    ],
)
def test_a_modal_of_others_brings_nothing(view: dict[str, Any]) -> None:
    """An app may have other forms."""
    assert kept_in(view) == {}


def test_a_problem_without_an_input_stands_beside_the_last() -> None:
    """Slack shows errors beside inputs only."""
    view = modal(form(Input("a", "A"), Input("note", "Note")), channel="D1MARIA")

    told = response(Answer("x", problems={"gone": "It changed."}), view)
    without = response(Answer("It changed.", problems={"gone": "It changed."}), {})

    assert told == {"response_action": "errors", "errors": {"note": "It changed."}}
    assert without["response_action"] == "update"


def test_what_cannot_be_done_any_more_is_told_in_the_modal() -> None:
    """The form closes on success and speaks otherwise."""
    told = response(Answer("Tom Ode approved it at 14:09. <!channel>"), {})

    assert response(Answer("Done.", is_done=True), {}) == {"response_action": "clear"}
    assert check_modal(told["view"]) == ""
    assert "Tom Ode approved it at 14:09. <!channel>" in words_of(told["view"]["blocks"])
    assert check_modal(notice("It takes longer.")) == ""
