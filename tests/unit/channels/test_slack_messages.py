"""How a letter reads in Slack, and that nobody's words act in it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pullcord.channels.port import Button, Content, Letter, Line, Verb
from pullcord.channels.slack.blocks import OPENS, fits, written
from pullcord.channels.slack.channel import SlackChannel
from pullcord.channels.slack.markup import escaped, link, moment, pieces, plain, strong, typed
from tests.conformance.channels.slack_kit import check_message, elements_of, pings_in, words_of
from tests.unit.channels.letters import letter as any_letter

NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)
LIMITS = SlackChannel.can.limits
HOSTILE = "<!channel> <@U1MARIA> <https://evil.example|page> *Approved* _by_ ~Maria~ `&amp;` @here"


def asked(**changes: Any) -> Letter:
    """Maria is asked in Slack."""
    content = Content(
        ask="Refund EUR 480.00 to Anna?",
        situation="The customer paid twice.",
        consequence="EUR 480.00 leave the account.",
        reversibility="This cannot be undone.",
        money="EUR 480.00",
        facts=(("order", "H-1"), ("amount", "480.0")),
        claims=(("Assessment", "It looks right."),),
    )
    buttons = tuple(
        Button(verb, label, f"token-of-{verb}", has_form=verb is Verb.REJECT)
        for verb, label in (
            (Verb.ACCEPT, "I have it"),
            (Verb.APPROVE, "Approve"),
            (Verb.REJECT, "Reject"),
        )
    )
    fields: dict[str, Any] = {
        "at": NOON,
        "due_at": NOON,
        "address": "U1MARIA",
        "headline": "An escalation needs you: high, by 14:30",
        "standing": "Maria Lopez is being asked until 14:20.",
        "deadline": "Say by 14:20 whether you have it; decide by 14:30.",
        "fallback": "If nobody decides by 14:30, it is rejected.",
        "is_open": True,
        "content": content,
        "buttons": buttons,
        "timezone": "Europe/Berlin",
        **changes,
    }
    return any_letter(**fields)


def content_of(**changes: Any) -> Content:
    found = asked().content
    assert found is not None
    return replace(found, **changes)


def labels(letter: Letter) -> list[str]:
    return [str(each["text"]["text"]) for each in elements_of(written(letter).blocks)]


# --- what is read ---------------------------------------------------------------------------------


def test_a_situation_that_only_the_agent_tells_says_so() -> None:
    """A claim that reads like a fact is how people are talked into things."""
    said = words_of(written(asked(content=content_of(situation_by="agent"))).blocks)
    seen = words_of(written(asked(content=content_of(situation_by="system"))).blocks)

    assert "What happened, the agent says, checked by nobody" in said
    assert "What happened, the agent says" not in seen


def test_the_ask_comes_first_and_claims_stand_apart() -> None:
    """In the order in which somebody half awake needs it."""
    words = words_of(written(asked()).blocks)

    order = [
        "An escalation needs you: high, by 14:30",
        "high  ·  support  ·  production  ·  refund-over-limit",
        "Refund EUR 480.00 to Anna?",
        "This cannot be undone.",
        "EUR 480.00 leave the account.",
        "The customer paid twice.",
        "Facts, captured by the system",
        "order",
        "The agent says, checked by nobody",
        "Assessment: It looks right.",
        "Maria Lopez is being asked until 14:20.",
        "decide by 14:30. (Europe/Berlin)",
        "If nobody decides by 14:30, it is rejected.",
        "I have it",
        "https://pull.example/escalations/esc_1",
    ]
    assert [words.index(each) for each in order] == sorted(words.index(each) for each in order)


def test_the_notification_shows_nothing_of_what_it_is_about() -> None:
    """A phone on a table is read by others."""
    text = written(asked()).text

    assert text == "An escalation needs you: high, by 14:30"


def test_the_due_time_is_on_the_readers_own_clock() -> None:
    """Slack knows where the reader is; where it does not, UTC is named as such."""
    blocks = str(written(asked()).blocks)

    assert (
        f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2027-01-05 12:00 UTC>"
        in (blocks)
    )


def test_every_button_hands_back_its_own_token() -> None:
    """And says whether a form comes first."""
    elements = list(elements_of(written(asked()).blocks))

    told = [(each["action_id"], each.get("value", "")) for each in elements]
    assert told == [
        ("press:1:accept", "token-of-accept"),
        ("press:2:approve", "token-of-approve"),
        ("form:3:reject", "token-of-reject"),
        (OPENS, ""),
    ]
    assert elements[-1]["url"] == "https://pull.example/escalations/esc_1"


def test_no_button_is_louder_than_another() -> None:
    """What is coloured is pressed."""
    assert all("style" not in each for each in elements_of(written(asked()).blocks))


def test_options_and_words_and_long_facts_have_their_place() -> None:
    """A letter with everything in it."""
    content = content_of(
        options=("By post: takes a week.", "By courier"),
        said="Which order?",
        facts=(("text", "word " * 60), ("order", "H-1"), ("note", ""), ("lines", "a\nb")),
    )

    words = words_of(written(asked(content=content)).blocks)

    assert "1. By post: takes a week.\n2. By courier" in words
    assert "You were told\nWhich order?" in words
    assert "word word" in words
    assert "note\n–" in words
    assert "lines\na\nb" in words


def test_a_letter_without_content_shows_what_there_is() -> None:
    """Content may have been erased; where to look stays."""
    found = written(asked(content=None, due_at=None, deadline=""))

    assert check_message(found.blocks) == ""
    assert "esc_1" in words_of(found.blocks)


def test_a_long_headline_is_a_section() -> None:
    """A header takes 150 characters and no more."""
    headline = "Somebody with a very long name " * 8

    blocks = written(asked(headline=headline)).blocks

    assert blocks[0]["type"] == "section"
    assert check_message(blocks) == ""


@pytest.mark.parametrize("severity", ["critical", "high", "normal", "low", "other"])
def test_severity_is_a_word_beside_a_colour(severity: str) -> None:
    """Colours alone are not read by everybody."""
    assert f"*{severity}*" in str(written(asked(severity=severity)).blocks[1])


# --- too much for Slack ---------------------------------------------------------------------------


def big(**changes: Any) -> Letter:
    facts = tuple((f"fact {number}", "x" * LIMITS.line) for number in range(LIMITS.facts))
    return asked(content=content_of(facts=facts, claims=facts, **changes))


def test_what_is_too_long_loses_claims_first_and_says_so() -> None:
    """Facts are what is decided on."""
    facts = tuple((f"fact {number}", "x" * 500) for number in range(12))
    claims = (("Assessment", "y" * 2_000), ("Recommendation", "y" * 2_000))
    letter = asked(content=content_of(facts=facts, claims=claims))

    found = written(letter)

    words = words_of(found.blocks)
    assert "fact 11" in words
    assert "The agent says" not in words
    assert "There is more" in words
    assert "Approve" in labels(letter)


def test_a_message_that_does_not_show_every_fact_decides_nothing() -> None:
    """Shown is decided: the page is one press away."""
    letter = big(situation="z" * 2_000)

    found = written(letter)

    assert check_message(found.blocks) == ""
    assert labels(letter) == ["I have it", "Open the page"]
    assert "Refund EUR 480.00 to Anna?" in words_of(found.blocks)
    assert "There is more" in words_of(found.blocks)


def test_the_ask_survives_whatever_else_there_is() -> None:
    """The worst case of every text: all of it escaped to five times its length."""
    worst = "&" * LIMITS.text
    ask = "Really? " + "&" * 900
    letter = big(situation=worst, consequence=worst, options=(worst,) * 4, said=worst)
    content = letter.content
    assert content is not None

    found = written(replace(letter, content=replace(content, ask=ask)))

    assert check_message(found.blocks) == ""
    assert fits(found.blocks)
    assert ask in "".join(words_of(found.blocks).splitlines())


def test_what_fits_nowhere_says_how_it_stands() -> None:
    """Slack refuses it then, and the ladder goes on; nothing breaks on our side."""
    letter = asked(standing="Somebody is being asked. " * 600)

    assert not fits(written(letter).blocks)
    assert not fits(written(replace(letter, content=None)).blocks)


# --- nobody's words act ---------------------------------------------------------------------------


@pytest.mark.promise("nobodys-words-act")
def test_no_text_mentions_links_or_passes_for_ours() -> None:
    """An agent that writes <!channel> wakes nobody."""
    hostile = content_of(
        ask=HOSTILE,
        situation=HOSTILE,
        consequence=HOSTILE,
        facts=((HOSTILE, HOSTILE),),
        claims=((HOSTILE, HOSTILE),),
        options=(HOSTILE,),
        said=HOSTILE,
    )
    letter = asked(content=hostile, standing=HOSTILE, headline=HOSTILE, rule="<!here>")

    found = written(letter)

    assert pings_in([found.text, found.blocks]) == []
    assert "<https://evil.example" not in str(found.blocks)
    assert words_of(found.blocks).count(HOSTILE) >= 8


@pytest.mark.parametrize("text", ["مرحبا بالعالم", "👩‍👩‍👧 paid", "a & b < c > d", "*not ours*"])
def test_texts_read_as_they_were_written(text: str) -> None:
    """Right to left, emoji, signs: the reader sees what was said."""
    words = words_of(written(asked(content=content_of(ask=text, situation=text))).blocks)

    assert words.count(text) == 2


def test_bold_is_only_for_what_cannot_break_out_of_it() -> None:
    """A star in a question would end the bold and begin a lie."""
    assert strong("Refund?") == {"type": "mrkdwn", "text": "*Refund?*", "verbatim": True}
    assert strong("a*b")["type"] == "plain_text"
    assert strong("a\nb")["type"] == "plain_text"
    assert strong("x" * 3_000)["type"] == "plain_text"


def test_long_texts_are_broken_between_words_and_never_inside_a_sign() -> None:
    """Half an &amp; reads as rubbish."""
    words = escaped("a & b " * 1_000)
    solid = escaped("&" * 2_000)

    assert all(len(each) <= 3_000 for each in [*pieces(words), *pieces(solid)])
    assert "".join(pieces(solid)) == solid
    assert " ".join(pieces(words)).replace("  ", " ").strip() == words.strip()
    assert pieces("") == []


def test_a_text_for_a_small_place_ends_in_an_ellipsis() -> None:
    """And never inside a sign."""
    assert plain("&" * 30, 24)["text"] == "&amp;&amp;&amp;&amp;…"
    assert plain("short", 24)["text"] == "short"


def test_a_link_cannot_be_ended_early() -> None:
    """Addresses hold what people put into them."""
    assert link("https://x.example/a|b>c<d?e=1&f", "<see>") == (
        "<https://x.example/a%7Cb%3Ec%3Cd?e=1&amp;f|&lt;see&gt;>"
    )


def test_a_moment_names_its_zone_where_slack_cannot() -> None:
    """The e-mail Slack sends about a message has no clock of its reader."""
    assert moment(NOON).endswith("|2027-01-05 12:00 UTC>")


def test_what_somebody_typed_comes_as_they_typed_it() -> None:
    """Slack writes links and signs its own way."""
    said = "see <https://x.example/a?b=1&amp;c|x.example> or <mailto:a@b.example|a@b.example> &lt;3"

    assert typed(said) == "see https://x.example/a?b=1&c or a@b.example <3"


# --- letters that ask nothing ---------------------------------------------------------------------


def test_a_decided_message_says_who_and_offers_nothing() -> None:
    """Old messages tell the truth."""
    letter = asked(
        headline="Maria Lopez approved it at 14:09.",
        standing="Maria Lopez approved it at 14:09.",
        is_open=False,
        buttons=(),
    )

    found = written(letter)

    words = words_of(found.blocks)
    assert words.count("Maria Lopez approved it at 14:09.") == 1
    assert "Refund EUR 480.00 to Anna?" in words
    assert list(elements_of(found.blocks)) == []
    assert "esc_1" in words


def test_a_question_that_came_with_it_is_shown() -> None:
    """Words belong to the message that was sent for them."""
    letter = asked(is_open=False, buttons=(), content=content_of(said="Which order?"))

    assert "Which order?" in words_of(written(letter).blocks)


def test_a_requester_hears_how_it_stands_and_nothing_personal() -> None:
    """A thread in a channel has many readers."""
    letter = asked(to="agent:support", standing="Maria from Billing has it.", is_open=False)

    words = words_of(written(letter).blocks)

    assert "Maria from Billing has it." in words
    assert "Anna" not in words


def test_a_test_letter_is_two_lines() -> None:
    """From the console, with nothing asked."""
    letter = asked(kind="test", agent="", url="https://pull.example/channels", is_open=False)
    bare = replace(letter, url="", content=None)

    assert "support" not in words_of(written(letter).blocks)
    assert check_message(written(letter).blocks) == ""
    assert check_message(written(bare).blocks) == ""


def test_a_bundle_lists_what_fits() -> None:
    """The rest is behind its link."""
    lines = tuple(
        Line(
            NOON,
            f"No longer yours {number}",
            f"https://pull.example/escalations/esc_{number}",
            ask="x" * 900,
        )
        for number in range(20)
    )
    letter = asked(lines=lines, url="https://pull.example/", buttons=(), content=None)

    found = written(letter)

    words = words_of(found.blocks)
    assert check_message(found.blocks) == ""
    assert "esc_0" in words
    assert "esc_19" not in words
    assert "All of them https://pull.example/" in words
