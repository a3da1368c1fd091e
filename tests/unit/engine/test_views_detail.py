"""The page of one escalation: everything that is needed to decide, and why what is not possible."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pullcord.engine import views_briefing, views_story
from pullcord.engine.views_acts import ORDER
from pullcord.owner.authority import POSITIONS
from pullcord.wire import requests as wire
from tests.unit.engine.shop import ARGS, NOON, POLICY, SHOP, Shop, allowed, open_shop, page, why_not

CLAIMS = wire.ClaimsIn(
    situation="Charged twice on 20 Nov.",
    assessment="The second charge is ours.",
    unknowns=["whether the bank reversed one"],
    confidence=0.71,
    recommendation="Refund both.",
    counter_argument="One may be reversed already.",
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as found:
        yield found


# --- what is asked --------------------------------------------------------------------------------


async def test_the_first_screen_holds_ask_consequence_stakes_deadline_and_fallback(
    shop: Shop,
) -> None:
    """What a person needs to decide is above the fold, and from configuration."""
    view = await page(shop, await shop.opened())

    assert view.question == "Refund EUR 480.00 to Anna?"
    assert view.consequence == "The money leaves within a minute."
    assert (view.reversible, view.money, view.tool_is_registered) == ("no", "EUR 480.00", True)
    assert view.decide_by == NOON + timedelta(minutes=30)
    assert view.fallback == "If nobody decides by 14:30, it is rejected, and Anna is told so."
    assert view.owner.shown_as == "Maria Lopez"
    assert view.owner_reason == "Maria Lopez is on call for billing until Mon 30 Nov 09:00"
    assert view.next_up == "then Tom Ode at 14:10, then Dana Weiss (catch-all) at 14:20"
    assert json.loads(view.args_text) == ARGS
    assert view.status_url.startswith("https://pull.example/status/")


async def test_what_the_agent_cannot_take_is_not_offered(shop: Shop) -> None:
    """A change that the agent would ignore is worse than no change at all."""
    escalation = await shop.opened(capabilities=["durable", "reason_on_reject"], turn_size=3)

    view = await page(shop, escalation)

    assert why_not(view, "edit") == "This agent cannot take changed arguments."
    assert not any(each.is_editable for each in view.fields)
    assert view.limits == [
        "This agent cannot take changed arguments.",
        "This agent's model will not read a note that comes with a yes.",
        "This agent goes on only when all 3 calls of its turn are decided.",
    ]
    assert ("Calls of the same turn", "3") in view.facts


@pytest.mark.parametrize("can", [["partial_resume"], ["partial_resume", "needs_same_process"]])
async def test_how_the_agent_goes_on_is_said_before_anybody_decides(
    shop: Shop, can: list[str]
) -> None:
    """Whoever decides one call of three must know whether anything happens by it."""
    words = ["edit_args", "reason_on_reject", "note_on_approve"]

    view = await page(shop, await shop.opened(capabilities=[*words, *can], turn_size=3))

    assert view.limits == (
        ["This agent waits in its process: when that ends, nothing goes on."]
        if "needs_same_process" in can
        else []
    )


async def test_an_agent_that_says_nothing_can_take_everything(shop: Shop) -> None:
    """A guarded function takes changes and words, and need not say so."""
    view = await page(shop, await shop.opened())

    assert "edit" in allowed(view)
    assert view.limits == []


async def test_arguments_become_typed_fields(shop: Shop) -> None:
    """A number stays a number: text that looks like one pays out the wrong amount."""
    escalation = await shop.opened()

    before = await page(shop, escalation)
    await shop.does("maria", escalation, wire.DecideIn(kind="approve"))
    after = await page(shop, escalation)

    fields = {each.path: (each.kind, each.value, each.is_editable) for each in before.fields}
    assert fields == {"amount": ("number", 480.0, True), "order": ("text", "8812", True)}
    assert not any(each.is_editable for each in after.fields)


async def test_facts_and_claims_stand_apart(shop: Shop) -> None:
    """What the agent says is shown as said by the agent; what the system saw, as seen."""
    view = await page(
        shop,
        await shop.opened(claims=CLAIMS, signals={"drift_score": 0.4}, excluded=["session"]),
    )

    facts = dict(view.facts)
    assert facts["Agent"] == "support"
    assert facts["End user"] == "Anna"
    assert facts["Messages so far"] == "3"
    assert facts["Signal drift_score"] == "0.4"
    assert facts["Left out, because it is not JSON"] == "session"
    assert "Call" in facts
    assert dict(view.claims) == {
        "Situation": "Charged twice on 20 Nov.",
        "Assessment": "The second charge is ours.",
        "Confidence": "0.71",
        "Recommendation": "Refund both.",
        "Strongest counter-argument": "One may be reversed already.",
    }
    assert view.unknowns == ["whether the bank reversed one"]
    assert (view.situation, view.situation_source) == ("Charged twice on 20 Nov.", "agent")
    assert (view.hits[0].rule, view.hits[0].observed, view.hits[0].steward) == (
        "refund-over-limit",
        "480.0",
        "dana",
    )


async def test_the_conversation_and_what_was_done_are_there_to_read(shop: Shop) -> None:
    """A person who takes over has read what was said and knows what has happened already."""
    view = await page(shop, await shop.opened())

    assert [(each.role, each.who, each.text) for each in view.conversation] == [
        ("user", "Anna", "I was charged twice on 20 Nov."),
        ("assistant", "Agent", '→ cancel_order({"order": "8813"})'),
        ("tool", "", "cancelled"),
    ]
    assert [(each.action, each.result, each.is_failed) for each in view.done] == [
        ('cancel_order({"order": "8813"})', "cancelled", False)
    ]
    assert (view.row.completeness, view.completeness_score) == (9, 82)
    assert view.missing == ["assessment", "recommendation", "contingency"]


async def test_a_choice_shows_its_options_and_the_safe_one(shop: Shop) -> None:
    """Options are cards of equal weight; the page knows which one the fallback takes."""
    options = [
        wire.OptionIn(id="both", label="Refund both", consequence="EUR 480 leave."),
        wire.OptionIn(id="wait", label="Wait", is_safe=True),
    ]
    ask = wire.AskIn(kind="choose", question="Which one?", options=options)

    escalation = await shop.opened(ask=ask, tool="", args={})
    view = await page(shop, escalation)
    await shop.does("maria", escalation, wire.DecideIn(kind="choose", option="wait"))
    decided = (await page(shop, escalation)).decided

    assert [(each.id, each.label, each.is_safe) for each in view.options] == [
        ("both", "Refund both", False),
        ("wait", "Wait", True),
    ]
    assert view.money == ""
    assert view.fallback == (
        "If nobody chooses by 14:30, the option “Wait” is taken, and Anna is told so."
    )
    assert decided is not None
    assert (decided.option, decided.args, decided.changes) == ("Wait", None, [])


async def test_an_answer_is_shown_as_text_whatever_its_shape(shop: Shop) -> None:
    """A typed answer reads as JSON, a free one as it was written."""
    schema = {"type": "object"}
    ask = wire.AskIn(kind="answer", question="Which clause?", schema=schema)
    free = await shop.opened("k1", ask=ask)
    typed = await shop.opened("k2", ask=ask)
    view = await page(shop, free)
    await shop.does("maria", free, wire.DecideIn(kind="answer", answer="Clause 7"))
    await shop.does("maria", typed, wire.DecideIn(kind="answer", answer={"clause": 7}))

    answers = [(await page(shop, each)).decided for each in (free, typed)]

    assert view.answer_schema == schema
    assert view.fallback.startswith("If nobody answers by 14:30, the agent gets no answer")
    assert [each.answer for each in answers if each] == ["Clause 7", '{"clause": 7}']


async def test_hidden_characters_are_named_wherever_the_agent_put_them(shop: Shop) -> None:
    """Text that hides or reorders itself is the cheapest attack on whoever decides."""
    escalation = await shop.opened(
        args={**ARGS, "note": "a\u200bb"},
        claims=wire.ClaimsIn(situation="x\u202ey"),
        end_user=wire.EndUserIn(id="u_7", name="An\u2066na"),
    )
    await shop.agent_does(escalation, wire.ContextIn(text="\U000e0041"))

    view = await page(shop, escalation)

    assert view.hostile_marks == [
        "bidi character in the question at 23",
        "zero width character in the arguments at 45",
        "bidi character in the agent's situation at 2",
        "bidi character in the end user's name at 2",
        "invisible tag character in context/2 at 0",
    ]
    assert "⟦U+200B⟧" in view.args_text
    assert view.notes[0].text == "⟦U+E0041⟧"


async def test_hostile_marks_are_counted_only_so_far(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand of them say no more than twenty."""
    monkeypatch.setattr(views_briefing, "MARKS_MAX", 3)
    ask = wire.AskIn(kind="approve", question="a\u200bb\u200bc\u200bd\u200be")

    view = await page(shop, await shop.opened(ask=ask))

    assert len(view.hostile_marks) == 3


async def test_an_unregistered_tool_is_shown_raw_and_marked(shop: Shop) -> None:
    """What configuration does not know counts as irreversible, and says so."""
    view = await page(shop, await shop.opened(tool="wire_money", args={"to": "x"}), "tom")

    assert (view.tool_is_registered, view.reversible, view.consequence) == (False, "no", "")


async def test_an_amount_without_currency_is_a_plain_number(shop: Shop) -> None:
    """No currency is invented."""
    await shop.house.office.apply(POLICY.replace("    currency: EUR\n", ""), by="dana")

    view = await page(shop, await shop.opened(args={**ARGS, "amount": 480.5}))

    assert view.money == "480.5"


# --- who, and what comes next -------------------------------------------------------------------


async def test_the_page_says_what_happens_when_the_lease_runs_out(shop: Shop) -> None:
    """Whoever has it sees until when, and who is asked instead."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())

    view = await page(shop, escalation)

    assert view.next_up == "if it is still undecided at 14:10, Tom Ode will be asked"
    assert view.hold_until == NOON + timedelta(minutes=10)


async def test_a_lease_that_ends_with_the_promise_leads_to_the_fallback_alone(shop: Shop) -> None:
    """Nobody else is asked when nobody decided in time."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.SnoozeIn(seconds=1800))

    view = await page(shop, escalation)

    assert view.next_up == ""


async def test_at_the_end_of_the_ladder_the_page_says_how_often_it_reminds(shop: Shop) -> None:
    """A ladder never just ends."""
    escalation = await shop.opened()
    await shop.passes(timedelta(minutes=10))
    await shop.passes(timedelta(minutes=10))

    view = await page(shop, escalation, "dana")

    assert view.next_up == "then Dana Weiss again every 15 minutes"
    assert [line.kind for line in view.timeline] == [
        "opened",
        "asked",
        "rung_expired",
        "asked",
        "rung_expired",
        "asked",
    ]


async def test_asks_after_the_deadline_are_not_foretold(shop: Shop) -> None:
    """The fallback comes first, so the rungs behind it are never asked."""
    await shop.house.office.apply(
        POLICY.replace("decide_within: 30m", "decide_within: 15m"), by="dana"
    )

    view = await page(shop, await shop.opened())

    assert view.next_up == "then Tom Ode at 14:10"


async def test_everybody_skipped_leads_straight_to_the_catch_all(shop: Shop) -> None:
    """Preview and router are one resolver."""
    people = await shop.house.office.people(SHOP)
    escalation = await shop.opened()
    await shop.house.office.put_person(SHOP, replace(people["tom"], is_active=False), by="dana")

    view = await page(shop, escalation)

    assert view.next_up == "then Dana Weiss (catch-all) at 14:10"
    assert [each.id for each in view.people] == ["dana", "maria"]


async def test_what_keeps_waiting_says_so(shop: Shop) -> None:
    """Where the rule never decides by itself, nobody believes that it does."""
    escalation = await shop.opened(tool="talk", args={})

    waiting = await page(shop, escalation)
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.TakeOverIn())
    taken_over = await page(shop, escalation)

    assert waiting.fallback == (
        "If nobody decides by 14:30, it keeps waiting: people are reminded every 1 hour, "
        "and Anna is promised a new time."
    )
    assert taken_over.fallback == (
        "While Maria Lopez has the conversation, nothing is decided by rule."
    )
    assert (taken_over.control, taken_over.next_up) == ("human", "")


# --- who may do what ------------------------------------------------------------------------------


def test_the_page_offers_every_act_of_people() -> None:
    """An act that the page forgets is one that nobody can use."""
    assert set(ORDER) == set(POSITIONS)


async def test_who_is_asked_may_accept_decline_and_decide(shop: Shop) -> None:
    """One click each for the three things a candidate came for."""
    view = await page(shop, await shop.opened())

    assert allowed(view) == [
        "accept",
        "decline",
        "decide",
        "context",
        "comment",
        "reassign",
        "extend",
        "edit",
    ]
    assert why_not(view, "ask") == "Nobody has accepted it yet; accept it first, then ask."
    assert why_not(view, "decide_late") == "It is not decided yet; decide it now instead."


async def test_the_owner_may_ask_hold_release_and_take_over(shop: Shop) -> None:
    """Whoever has it can do everything but say again that they have it."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())

    view = await page(shop, escalation)

    assert [each for each in ORDER if each not in allowed(view)] == [
        "accept",
        "decline",
        "hand_back",
        "decide_late",
    ]
    assert why_not(view, "accept") == "You have it already."
    assert why_not(view, "decline") == "You are not being asked, so there is nothing to decline."
    assert why_not(view, "hand_back").startswith("The agent has the conversation;")


async def test_others_read_why_they_may_not(shop: Shop) -> None:
    """A button that is missing without a word is a bug report."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())

    tom = await page(shop, escalation, "tom")
    audrey = await page(shop, escalation, "audrey")

    assert allowed(tom) == ["context", "comment"]
    assert why_not(tom, "accept") == ("Maria Lopez has it; they or a lead can reassign it to you.")
    assert "Tom Ode" in why_not(tom, "decide")
    assert allowed(audrey) == ["comment"]


async def test_a_person_to_whom_it_was_reassigned_may_accept_it(shop: Shop) -> None:
    """The giver keeps it until the taker says yes."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.ReassignIn(to="tom", reason="knows the case"))

    view = await page(shop, escalation, "tom")

    assert {"accept", "decline"} <= set(allowed(view))
    assert view.timeline[-1].sentence == "Maria Lopez offered it to Tom Ode until 14:10."
    assert view.timeline[-1].detail == "knows the case"
    assert [each.id for each in view.people] == ["dana", "tom"]


async def test_the_page_does_not_offer_what_the_verb_would_refuse(shop: Shop) -> None:
    """A second question, a second take-over, an extension beyond the limit: said beforehand."""
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.QuestionIn(to="agent", text="Which card?"))
    await shop.does("maria", escalation, wire.TakeOverIn())
    await shop.does("maria", escalation, wire.ExtendIn(seconds=3600))

    view = await page(shop, escalation)

    assert view.extendable_seconds == 0
    assert why_not(view, "ask") == "A question is pending; wait for the reply to it."
    assert why_not(view, "take_over") == "The conversation is taken over already."
    assert why_not(view, "extend") == "Its rule lets it be extended no further."
    assert "hand_back" in allowed(view)
    assert view.pending_question is not None
    assert (view.pending_question.text, view.pending_question.who) == (
        "Which card?",
        "Maria Lopez",
    )


async def test_a_decided_page_says_who_was_first(shop: Shop) -> None:
    """The loser of a race reads who decided what, not an error code."""
    view = await page(shop, await shop.decided(), "tom")

    assert allowed(view) == []
    assert why_not(view, "accept") == (
        "Maria Lopez approved it at 14:00. It is being carried out. A decision never changes."
    )
    assert "decided by a person" in why_not(view, "decide_late")
    assert (view.fallback, view.next_up, view.extendable_seconds) == ("", "", 0)


async def test_what_nobody_decided_can_be_decided_late(shop: Shop) -> None:
    """The old one never changes; the page offers the fresh one."""
    escalation = await shop.opened()
    await shop.passes(timedelta(minutes=30))

    view = await page(shop, escalation)

    assert allowed(view) == ["decide_late"]
    assert view.decided is not None
    assert view.decided.decision.by.id == "rule"
    assert view.decided.sentence == "Nobody could decide by 14:30, so it was not done."


async def test_a_withdrawn_page_offers_nothing(shop: Shop) -> None:
    """Nothing can be done with what was taken back."""
    escalation = await shop.opened()
    await shop.agent_does(escalation, wire.WithdrawIn(reason="found it myself"))

    view = await page(shop, escalation)

    assert allowed(view) == []
    assert why_not(view, "decide").endswith("Nothing can be done.")
    assert view.decided is None
    assert view.timeline[-1].detail == "found it myself"


# --- escalations the engine opened itself ---------------------------------------------------------


async def test_a_drill_has_a_page_like_any_other_and_says_what_it_is(shop: Shop) -> None:
    """A drill that looks different from the real thing drills nothing; one unmarked alarms."""
    row = await shop.house.desk.drill(SHOP, "dana", ladder="billing")

    view = await page(shop, row.escalation.id)

    assert view.row.purpose == "drill"
    assert view.question == "Drill of the ladder billing: answer that you have seen it."
    assert (view.situation_source, view.fields, view.hits) == ("system", [], [])
    assert "decide" in allowed(view)


async def test_a_late_decision_is_a_page_of_its_own_that_names_the_first(shop: Shop) -> None:
    """The old one never changes, and whoever decides late sees where it came from."""
    escalation = await shop.opened()
    await shop.passes(timedelta(minutes=30))
    row = await shop.house.desk.decide_late(SHOP, escalation, "maria")

    view = await page(shop, row.escalation.id)

    assert view.follows == escalation
    assert view.row.is_mine
    assert view.timeline[0].sentence.endswith(f"following {escalation}.")
    assert (view.owner_reason, view.question) == ("", "Refund EUR 480.00 to Anna?")


# --- erased, and long -----------------------------------------------------------------------------


async def test_an_erased_page_keeps_its_path(shop: Shop) -> None:
    """Erasure takes the words; who did what when stays for ever."""
    escalation = await shop.decided(kind="edit", args={**ARGS, "amount": 240.0})
    await shop.erased()

    view = await page(shop, escalation)

    assert view.question == "(the content was erased)"
    assert (view.facts[0], view.claims, view.conversation) == (("Agent", "support"), [], [])
    assert view.status_url == ""
    assert view.decided is not None
    assert view.decided.args == {}
    assert [line.kind for line in view.timeline] == ["opened", "asked", "accepted", "decided"]


async def test_of_a_very_long_timeline_the_end_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page has a limit, and the newest entries are the ones people need."""
    monkeypatch.setattr(views_story, "ENTRIES_MAX", 2)
    escalation = await shop.opened()
    await shop.does("maria", escalation, wire.AcceptIn())
    await shop.does("maria", escalation, wire.CommentIn(text="still here"))

    view = await page(shop, escalation)

    assert [line.kind for line in view.timeline] == ["accepted", "commented"]
    assert view.owner_reason == ""


async def test_an_ask_without_an_end_user_tells_nobody(shop: Shop) -> None:
    """Sentences about an end user stand only where there is one."""
    rejected = await page(shop, await shop.opened("k1", end_user=None))
    waiting = await page(shop, await shop.opened("k2", end_user=None, tool="talk", args={}))

    assert rejected.fallback == "If nobody decides by 14:30, it is rejected."
    assert waiting.fallback.endswith("people are reminded every 1 hour.")
    assert rejected.conversation[0].who == "End user"
