"""Templates escape everything, times read well, and addresses stay at home."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from pullcord.console import moments
from pullcord.console.account import local
from pullcord.console.assets import TYPES, asset
from pullcord.console.choices import choices
from pullcord.console.entered import Entered, problem_from
from pullcord.console.rendering import environment, sentence, shown
from pullcord.errors import AlreadyDecided, InvalidInput, NotAllowed, StaleView
from pullcord.wire.views import OptionOut
from tests.unit.console.views import detail, field, row

CONSOLE = Path(str(files("pullcord.console")))
NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

#: lines the console's one script may have
SCRIPT_LINES_MAX = 600


def templates() -> list[Path]:
    """Every template of the console."""
    return sorted((CONSOLE / "templates").rglob("*.html"))


def test_no_template_marks_text_as_safe_or_carries_style_and_script() -> None:
    """One `|safe` would turn an agent's words into our page."""
    forbidden = (
        "|safe",
        "| safe",
        "Markup",
        "autoescape",
        " style=",
        "<style",
        "onclick",
        "onload",
    )

    found = [
        f"{path.name}: {word}"
        for path in templates()
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_every_template_compiles_and_every_posting_form_of_the_console_carries_its_proof() -> None:
    """A form without the session's token would be refused at the worst moment."""
    without_session = {"sign_in.html", "set_up.html", "welcome.html", "status.html", "problem.html"}
    without_session |= {"confirm.html", "acts.html"}
    for path in templates():
        name = str(path.relative_to(CONSOLE / "templates"))
        environment().get_template(name)
        for form in path.read_text(encoding="utf-8").split('<form method="post"')[1:]:
            body = form.partition("</form>")[0]
            has_proof = 'name="csrf"' in body or "escalation/guard.html" in body
            assert has_proof or name in without_session, f"{name} has a form without csrf"


def test_text_is_escaped_and_an_unknown_name_is_an_error() -> None:
    """Nothing is silently empty, nothing is silently code."""
    escaped = environment().from_string("{{ text|shown }}").render(text="<b>\u202e&")

    assert escaped == "&lt;b&gt;⟦U+202E⟧&amp;"
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nobody }}").render()


def test_the_script_is_one_file_within_its_limit_and_names_no_other_host() -> None:
    """No dependency, nothing fetched from elsewhere."""
    script = (CONSOLE / "static" / "console.js").read_text(encoding="utf-8")

    assert len(script.splitlines()) <= SCRIPT_LINES_MAX
    assert "import " not in script.replace("importNode", "")
    assert "http://" not in script
    assert "https://" not in script
    assert "innerHTML" not in script


def test_static_files_are_named_by_what_they_hold() -> None:
    """The address changes exactly when the content does."""
    digests = {name: asset(name).digest for name in TYPES}

    assert len(set(digests.values())) == len(TYPES)
    assert asset("console.css") is asset("console.css")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (45, "in 45 s"),
        (720, "in 12 min"),
        (-10_800, "3 h ago"),
        (12_000, "in 3 h 20 min"),
        (187_200, "in 2 d 4 h"),
        (-86_400, "1 d ago"),
    ],
)
def test_distances_read_in_their_two_largest_units(seconds: int, words: str) -> None:
    """A glance must do."""
    assert moments.relative(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2027, 1, 5, 13, 30, tzinfo=UTC), "14:30"),
        (datetime(2027, 1, 7, 13, 30, tzinfo=UTC), "Thu 14:30"),
        (datetime(2027, 2, 7, 13, 30, tzinfo=UTC), "7 Feb 14:30"),
        (datetime(2026, 2, 7, 13, 30, tzinfo=UTC), "7 Feb 2026 14:30"),
        (datetime(2027, 1, 5, 23, 30, tzinfo=UTC), "Wed 00:30"),
    ],
)
def test_hours_are_those_of_the_reader_and_name_the_day_when_it_is_not_today(
    at: datetime, words: str
) -> None:
    """An operator in Berlin reads Berlin's clock."""
    assert moments.absolute(at, NOW, BERLIN) == words


def test_an_unknown_zone_still_shows_a_time() -> None:
    """A page with a wrong clock is better than no page; the exact instant is in UTC."""
    assert moments.zone_of("Mars/Olympus") is UTC
    assert moments.zone_of("../etc/passwd") is UTC
    assert moments.exact(NOW) == "2027-01-05 12:00:00 UTC"
    assert moments.stamp(NOW) == "2027-01-05T12:00:00.000Z"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\e",
        "/a\nb",
        "javascript:1",
    ],
)
def test_signing_in_goes_nowhere_but_home(address: str) -> None:
    """Anything that is not plainly ours is the inbox."""
    assert local(address) == "/"


def test_signing_in_goes_on_to_a_page_of_ours() -> None:
    """With its query."""
    assert local("/escalations/esc_1?tab=x") == "/escalations/esc_1?tab=x"


def test_an_approval_offers_three_equal_ways_and_two_when_nothing_can_be_changed() -> None:
    """The policy's words replace ours, the order never changes."""
    worded = [OptionOut(id="reject", label="Keep the money", consequence="She is told today.")]

    three = [each.value for each in choices(detail())]
    two = choices(detail(fields=[field("amount", "number", 1, is_editable=False)], options=worded))

    assert three == ["approve", "edit", "reject"]
    assert [(each.label, each.consequence) for each in two] == [
        ("Approve", "It runs exactly as proposed."),
        ("Keep the money", "She is told today."),
    ]


@pytest.mark.parametrize("kind", ["answer", "take_over"])
def test_questions_can_be_answered_or_left(kind: str) -> None:
    """Two ways, also where a person is wanted."""
    assert [each.value for each in choices(detail(row=row(ask_kind=kind)))] == ["answer", "reject"]


def test_a_choice_says_which_option_is_taken_when_nobody_chooses() -> None:
    """The safe option is said to be so, not coloured."""
    options = [
        OptionOut(id="a", label="Her", consequence="Her address changes."),
        OptionOut(id="n", label="Neither", consequence="", is_safe=True),
    ]

    found = choices(detail(row=row(ask_kind="choose"), options=options))

    assert [each.value for each in found] == ["choose:a", "choose:n", "reject"]
    assert found[1].consequence == "This is used when nobody decides."


def test_errors_become_words_beside_the_right_field() -> None:
    """What to do stands first; what was typed stands in the field already."""
    wrong = problem_from(InvalidInput("args.amount", value="x", remedy="It takes a number."))
    limited = problem_from(InvalidInput("kind", limit="approve, reject", remedy="Press one."))
    stale = problem_from(StaleView("other people are asked now"))
    late = problem_from(AlreadyDecided("decided by tom", by="tom"))
    refused = problem_from(NotAllowed("only the owner"))

    assert (wrong.field, wrong.text) == ("arg.amount", "It takes a number.")
    assert (limited.field, limited.text) == ("decision", "Press one. Allowed: approve, reject.")
    assert stale.title == "It changed since you opened it"
    assert late.remedy == "Nothing of yours was done."
    assert (refused.field, refused.text) == ("", "only the owner")


def test_a_refused_form_keeps_its_own_values_and_no_others() -> None:
    """Two forms of one page may have a field of the same name."""
    entered = Entered("ask", {"text": "Which?", "note": "", "arg.x#shown": "yes", "csrf": "secret"})

    assert entered.value("ask", "text") == "Which?"
    assert entered.value("comment", "text", "-") == "-"
    assert entered.is_checked("ask", "arg.x", True) is False
    assert entered.is_checked("ask", "arg.y", True) is True
    assert entered.kept_texts == [("Text", "Which?")]


def test_sentences_begin_with_a_capital_and_keep_names() -> None:
    """`capitalize` would write "tom ode"."""
    assert sentence("you have it, Tom") == "You have it, Tom"
    assert sentence("") == ""
    assert shown("a" * 10, 5) == "aaaa…"
