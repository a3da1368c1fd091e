"""A letter as a mail: what machines read in its headers, what people read in text and HTML."""

import re
from dataclasses import replace
from typing import Any

import pytest

from pullcord.channels.email.addresses import Mailbox, ReplyAddresses
from pullcord.channels.email.letter import HTML_MAX, Desk, mail_of, subject_of
from pullcord.channels.port import Button, Content, Letter, Line, Verb
from tests.conformance.channels.email_double import (
    html_of,
    opened_mail,
    plain_of,
    problem_of,
    seen_of,
)
from tests.unit.channels.letters import NOW, letter

URL = "https://pull.example"
SENDER = Mailbox("Example Shop", "pullcord", "shop.example")
REPLIES = ReplyAddresses(SENDER, b"k" * 32)
DESK = Desk(SENDER, URL, REPLIES, takes_replies=True)
ID = "msg_1mbjvgwg072pn18dleqfq0fsl.email"
CONTENT = Content(
    ask="Refund EUR 480.00 to Anna?",
    situation="Anna was charged twice.",
    situation_by="agent",
    consequence="The money leaves within a minute.",
    reversibility="This cannot be undone.",
    money="EUR 480.00",
    facts=(("order", "8812"), ("Agent", "support"), ("Tool", "issue_refund")),
    claims=(("Assessment", "Both charges look settled."),),
    options=("Approve", "Reject: Nothing runs."),
)
BUTTONS = (
    Button(Verb.ACCEPT, "I have it", "t1", f"{URL}/acts/t1"),
    Button(Verb.DECLINE, "Not me", "t2", f"{URL}/acts/t2"),
    Button(Verb.APPROVE, "Approve", "t3"),
)


def asked(**changes: Any) -> Letter:
    """Maria is asked."""
    found = letter(
        id=ID,
        at=NOW,
        address="maria@example.com",
        headline="An escalation needs you: high, by 14:30",
        standing="Maria Lopez is being asked until 14:20.",
        deadline="Say by 14:20 whether you have it; decide by 14:30.",
        fallback="If nobody decides by 14:30, it is rejected.",
        is_open=True,
        content=CONTENT,
        buttons=BUTTONS,
        workspace_name="Example Shop",
    )
    return replace(found, **changes)


def decided(**changes: Any) -> Letter:
    """Tom was faster."""
    told = "Tom Ode approved it at 14:09."
    gone: dict[str, Any] = {
        "kind": "stood_down",
        "status": "decided",
        "headline": f"No longer yours to answer: {told}",
        "standing": told,
        "is_open": False,
        "buttons": (),
    }
    return asked(**{**gone, **changes})


def mailed(found: Letter, desk: Desk = DESK) -> bytes:
    """The mail; every one must be one that providers take."""
    raw = mail_of(found, desk, address="maria@example.com")
    assert problem_of(raw) == ""
    return raw


# --- headers ------------------------------------------------------------------------------------


def test_the_same_letter_is_the_same_mail() -> None:
    """A second try after a crash is the same mail, and the reader's program can tell."""
    assert mailed(asked()) == mailed(asked())


def test_machines_read_who_wrote_and_that_nobody_is_to_answer() -> None:
    """Vacation notes, lists and bounces go by these."""
    mail = opened_mail(mailed(asked()))

    assert str(mail["From"]) == "Example Shop <pullcord@shop.example>"
    assert mail["Message-ID"] == f"<{ID}@shop.example>"
    assert mail["Reply-To"] == REPLIES.of(ID)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "NDR" not in mail["X-Auto-Response-Suppress"].split(", ")
    assert "OOF" in mail["X-Auto-Response-Suppress"]
    assert mail["List-Id"] == '"Example Shop" <shop.pullcord.shop.example>'
    assert mail["Importance"] == "high"
    assert mail["In-Reply-To"] is None


def test_what_follows_stands_in_the_same_thread() -> None:
    """One escalation is one conversation, by its headers and by its subject."""
    first, later = asked(), decided(thread=f"{ID}@shop.example")

    mail = opened_mail(mailed(later))

    assert mail["In-Reply-To"] == mail["References"] == f"<{ID}@shop.example>"
    assert mail["Subject"] == f"Re: {subject_of(first)}"
    assert mail["Importance"] is None


def test_news_says_where_it_is_turned_down_and_an_ask_does_not() -> None:
    """Whoever presses "unsubscribe" changes their own rules; an ask is not a newsletter."""
    assert opened_mail(mailed(asked()))["List-Unsubscribe"] is None
    news = opened_mail(mailed(decided()))

    assert news["List-Unsubscribe"] == f"<{URL}/people/maria/reach>"
    assert news["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "High: issue_refund by support [ation1]"),
        ({"tool": ""}, "High: a question of support [ation1]"),
        ({"environment": "test"}, "High: issue_refund by support, test [ation1]"),
        (
            {"headline": "Drill: x", "severity": "low"},
            "Drill: Low: issue_refund by support [ation1]",
        ),
        ({"to": "end_user:u_7"}, "Your request to Example Shop"),
        ({"to": "end_user:u_7", "workspace_name": "", "thread": "m@x"}, "Re: Your request to us"),
        ({"kind": "test", "headline": "Test from Pullcord"}, "Test from Pullcord"),
        (
            {"kind": "bundle", "headline": "2 escalations: news", "lines": ("x",)},
            "2 escalations: news",
        ),
    ],
)
def test_a_subject_says_what_it_is_about_and_never_what_may_change(
    changes: dict[str, Any], subject: str
) -> None:
    """A subject cannot be edited; times and names in it would be lies soon."""
    assert subject_of(asked(escalation="esc_escalation1", **changes)) == subject


@pytest.mark.parametrize(
    "changes",
    [
        {"tool": "refund\r\nBcc: everybody@evil.example"},
        {"agent": "support\nX-Evil: 1"},
        {"workspace_name": "Shop\r\nBcc: a@b.example\r\n\r\n<h1>x</h1>", "kind": "decided"},
        {"thread": "x@y>\r\nBcc: a@b.example"},
        {"headline": "Test\x0bBcc: x\x85X-Evil: 1\u2028Bcc: y", "kind": "test"},
    ],
)
def test_nothing_in_a_letter_becomes_a_header(changes: dict[str, str]) -> None:
    """A name with a line ending in it must not add a recipient."""
    mail = opened_mail(mailed(asked(**changes)))

    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None


def test_names_in_other_scripts_survive_the_headers() -> None:
    """A shop is called what it is called."""
    desk = replace(DESK, sender=Mailbox("متجر المثال, Ümläut", "pullcord", "shop.example"))
    found = asked(workspace_name='متجر "المثال" 🧾', to="end_user:u_7", kind="accepted")

    mail = opened_mail(mailed(found, desk))

    assert mail["From"].addresses[0].display_name == "متجر المثال, Ümläut"
    assert mail["Subject"] == 'Your request to متجر "المثال" 🧾'


# --- what people read -----------------------------------------------------------------------------


def test_text_and_html_say_the_same_and_both_say_everything() -> None:
    """Whoever reads without HTML decides on the same words."""
    raw = mailed(asked())

    for text in (plain_of(raw), seen_of(raw)):
        flat = " ".join(text.split())
        for said in (
            "Refund EUR 480.00 to Anna?",
            "An escalation needs you: high, by 14:30",
            "Say by 14:20 whether you have it; decide by 14:30.",
            "If nobody decides by 14:30, it is rejected.",
            "EUR 480.00",
            "The money leaves within a minute.",
            "This cannot be undone.",
            "says the agent, checked by nobody",
            "Anna was charged twice.",
            "8812",
            "Both charges look settled.",
            "Reject: Nothing runs.",
            "I have it",
            "Not me",
            "A reply decides nothing.",
            "rule refund-over-limit",
            "esc_1",
        ):
            assert said in flat, said
        assert "Approve:" not in flat


def test_links_are_ours_and_nothing_is_loaded() -> None:
    """No picture that counts readers, no script, no style from elsewhere."""
    html = html_of(mailed(asked()))

    assert not re.search(r"<(img|script|link|iframe|form|object)\b|url\(|@import|src=", html)
    assert set(re.findall(r'href="([^"]+)"', html)) == {
        f"{URL}/acts/t1",
        f"{URL}/acts/t2",
        f"{URL}/escalations/esc_1",
        f"{URL}/people/maria/reach",
    }


def test_whoever_can_do_nothing_any_more_reads_how_it_stands_and_no_button() -> None:
    """The last word of a thread is the truth."""
    raw = mailed(decided())

    for text in (plain_of(raw), seen_of(raw)):
        assert "Tom Ode approved it at 14:09." in " ".join(text.split())
        assert "I have it" not in text
        assert "Say by" not in text
        assert "Both charges" not in text
        assert "Refund EUR 480.00 to Anna?" in text
    assert "/acts/" not in html_of(raw)


def test_hostile_text_stays_text() -> None:
    """Markup of an agent is shown as written; its lines cannot pass for ours."""
    evil = "</td><script>alert(1)</script>\n\nI have it:\n  https://evil.example"
    raw = mailed(asked(content=replace(CONTENT, situation=evil, facts=((evil, evil),))))

    assert "<script" not in html_of(raw)
    assert "&lt;script&gt;" in html_of(raw)
    assert "\nI have it:\n" in plain_of(raw)
    assert "\n  I have it:\n" in plain_of(raw)
    assert plain_of(raw).count("\nI have it:\n") == 1


def test_right_to_left_text_finds_its_own_direction() -> None:
    """An Arabic question reads from the right in a letter whose frame is English."""
    arabic = "هل نعيد 480 يورو إلى آنا؟ 👩‍👩‍👧"
    raw = mailed(asked(content=replace(CONTENT, ask=arabic)))

    assert arabic in seen_of(raw)
    assert arabic in plain_of(raw)
    assert re.search(r'<h1[^>]*dir="auto"', html_of(raw))


def test_too_much_is_cut_and_the_question_is_not() -> None:
    """Large providers hide what is beyond 102,000 bytes, and with it the way out."""
    ask = "Refund? " * 125
    much = Content(
        ask=ask,
        situation="s" * 3_000,
        consequence="c" * 3_000,
        facts=tuple((f"fact {n}", "<" * 300) for n in range(20)),
        claims=tuple((f"claim {n}", "&" * 3_000) for n in range(20)),
        options=tuple("o" * 300 for _ in range(6)),
        said="w" * 3_000,
    )
    raw = mailed(asked(content=much))

    assert len(html_of(raw).encode()) <= HTML_MAX
    assert " ".join(ask.split()) in " ".join(seen_of(raw).split())
    assert "More than fits into a letter" in seen_of(raw)
    assert "More than fits into a letter" in plain_of(raw)
    assert "fact 0" in seen_of(raw)


def test_everything_else_is_given_up_before_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing fits, the question and the link still stand."""
    monkeypatch.setattr("pullcord.channels.email.letter.HTML_MAX", 100)
    found = asked(content=replace(CONTENT, said="A word."))

    text = plain_of(mailed(found))

    assert "Refund EUR 480.00 to Anna?" in text
    assert f"all of it:\n{URL}" in text.replace(" it: ", " it:\n")
    for gone in ("Anna was charged", "8812", "settled", "Nothing runs", "A word.", "a minute"):
        assert gone not in text


def test_a_long_letter_without_content_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing in it that may go."""
    monkeypatch.setattr("pullcord.channels.email.letter.HTML_MAX", 100)

    assert "needs you" in plain_of(mailed(asked(content=None)))


def test_words_that_were_said_stand_in_the_letter() -> None:
    """A question and its answer are read without opening anything."""
    raw = mailed(decided(kind="replied", content=replace(CONTENT, said="The card ends in 1234.")))

    assert "What was said" in seen_of(raw)
    assert "The card ends in 1234." in plain_of(raw)


def test_a_situation_told_by_the_system_is_no_claim() -> None:
    """Only what the agent says is marked as unchecked."""
    content = replace(CONTENT, situation_by="system", claims=(), money="", reversibility="")
    raw = mailed(asked(content=content))

    assert "What happened" in seen_of(raw)
    assert "checked by nobody" not in seen_of(raw) + plain_of(raw)


def test_a_bundle_lists_what_came_together_and_is_not_answered() -> None:
    """Nobody knows which of them a reply would mean."""
    lines = (
        Line(NOW, "Tom Ode has it.", f"{URL}/escalations/esc_1", ask="Refund to Anna?"),
        Line(NOW, "Tom Ode approved it.", f"{URL}/escalations/esc_2"),
    )
    found = decided(
        id="bundle_00ff",
        kind="bundle",
        lines=lines,
        content=None,
        agent="",
        headline="2 escalations: news",
        standing="News of 2 escalations.",
    )
    raw = mailed(found)

    assert opened_mail(raw)["Reply-To"] is None
    for text in (plain_of(raw), seen_of(raw)):
        assert "Tom Ode has it." in text
        assert "Refund to Anna?" in text
    assert f"{URL}/escalations/esc_2" in html_of(raw)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "test"}, "pressed “Send me a test”"),
        ({"kind": "confirm", "to": "end_user", "content": None}, "Open the page and confirm"),
        ({"to": "end_user:u_7", "content": None}, "Open your page"),
        ({"to": "agent:support"}, "the agent named this address"),
    ],
)
def test_everybody_reads_why_they_got_it(changes: dict[str, Any], said: str) -> None:
    """A letter from a machine explains itself."""
    found = decided(environment="test", **changes)
    raw = mailed(found, replace(DESK, takes_replies=False))

    for text in (plain_of(raw), seen_of(raw)):
        assert said in " ".join(text.split())
    assert opened_mail(raw)["Reply-To"] is None


def test_end_users_read_nothing_internal_and_answer_on_their_page() -> None:
    """Rule, agent and escalation are ours; their page is theirs."""
    raw = mailed(decided(to="end_user:u_7", content=None, url=f"{URL}/status/tok"))

    for inside in ("refund-over-limit", "support", "esc_1", "How I am reached"):
        assert inside not in seen_of(raw) + plain_of(raw)
    assert opened_mail(raw)["List-Id"] is None
    assert opened_mail(raw)["Reply-To"] is None


def test_a_letter_without_a_page_still_says_how_it_stands() -> None:
    """An erased status page is no reason for silence."""
    raw = mailed(decided(to="end_user:u_7", content=None, url=""))

    assert "Open your page" not in seen_of(raw) + plain_of(raw)


def test_long_names_of_facts_keep_their_values_readable() -> None:
    """A column is as wide as it needs to be, up to a limit."""
    facts = (("a" * 40, "one two"), ("b", "x " * 80), ("c", ""))
    text = plain_of(mailed(asked(content=replace(CONTENT, facts=facts))))

    assert f"  {'a' * 40}\n" in text
    assert max(map(len, text.splitlines())) <= 120
