"""The desk: one way in for every act, with the same words whoever tries."""

from datetime import timedelta
from typing import Any

import pytest

from pullcord.engine.desk import TRIES_MAX
from pullcord.engine.unreached import Unreached
from pullcord.errors import (
    AlreadyAccepted,
    AlreadyCollected,
    AlreadyDecided,
    AlreadyWithdrawn,
    InvalidInput,
    KeyReused,
    NotAllowed,
    NotCollected,
    NotFound,
    NotYetDecided,
    RunTakenOver,
    StaleView,
    StoreBusy,
)
from pullcord.path.escalation import Actor, ActorKind, Purpose, Status, agent, person
from pullcord.store.port import VersionConflict
from pullcord.testing import Town
from pullcord.trigger.rules import Verdict
from pullcord.wire import requests as wire
from tests.unit.engine.counter import POLICY, refund, shop, stopped

END_USER = Actor(ActorKind.END_USER, "via link")
DIGEST = "0" * 64


async def test_the_same_key_twice_is_one_escalation() -> None:
    """An agent that lost the reply sends again and meets the same escalation."""
    async with shop() as (town, key):
        first = await town.house.desk.open(key, refund())
        again = await town.house.desk.open(key, refund())

        assert first.row is not None
        assert again.row is not None
        assert first.is_new
        assert not again.is_new
        assert again.row.escalation.id == first.row.escalation.id
        assert again.judgement.verdict is Verdict.GATE


async def test_a_key_that_stands_for_another_action_is_refused() -> None:
    """A reused key would hand one call the decision of another."""
    async with shop() as (town, key):
        await stopped(town, key)

        with pytest.raises(KeyReused, match="another action"):
            await town.house.desk.open(key, refund(999.0))


async def test_the_first_verdict_stands_when_the_policy_changes_meanwhile() -> None:
    """A retry after the limit was raised still meets the person who was asked."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.house.office.apply(POLICY.replace("> 250", "> 1000"), by="dana")

        again = await town.house.desk.open(key, refund())

        assert again.row is not None
        assert again.row.escalation.id == name


async def test_a_call_no_rule_stops_opens_nothing() -> None:
    """The server judges for itself and says so."""
    async with shop() as (town, key):
        opened = await town.house.desk.open(key, refund(20.0))

        assert opened.row is None
        assert opened.judgement.verdict is Verdict.ALLOW


async def test_a_denied_call_wakes_nobody_even_when_the_agent_asks() -> None:
    """Deny means nobody is asked; asking by itself is no way around it."""
    async with shop() as (town, key):
        plain = await town.house.desk.open(key, refund(-1.0))
        asked = await town.house.desk.open(key, refund(-1.0, key="k2", ask=wire.AskIn()))

        assert plain.judgement.verdict is Verdict.DENY
        assert asked.judgement.verdict is Verdict.DENY
        assert asked.row is None


async def test_an_agent_may_stop_itself_by_a_rule_the_server_would_not_fire() -> None:
    """The stricter verdict wins; an unknown rule or a milder mode changes nothing."""
    async with shop() as (town, key):
        hits = [
            wire.HitIn(rule="nobody-knows", mode="gate"),
            wire.HitIn(rule="refund-over-limit", mode="observe"),
            wire.HitIn(rule="refund-over-limit", mode="gate"),
        ]

        opened = await town.house.desk.open(key, refund(20.0, hits=hits))

        assert opened.row is not None
        assert opened.row.escalation.rule == "refund-over-limit"


async def test_keys_of_the_engine_cannot_be_taken_by_an_agent() -> None:
    """Otherwise an agent could keep the engine from asking about its drift."""
    async with shop() as (town, key):
        with pytest.raises(InvalidInput, match="leading ~"):
            await town.house.desk.open(key, refund(key="~drift/esc_1"))


async def test_guarded_calls_wait_while_a_person_has_the_conversation() -> None:
    """A bot that talks over the human is worse than one that waits."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.person("maria").take_over(name)

        with pytest.raises(RunTakenOver, match="Maria from Billing") as caught:
            await town.house.desk.open(key, refund(300.0, key="k2"))
        again = await town.house.desk.open(key, refund())
        elsewhere = await town.house.desk.open(key, refund(key="k3", run="run-2"))

        assert caught.value.escalation == name
        assert again.row is not None
        assert elsewhere.is_new


async def test_an_act_of_a_foreign_key_finds_nothing() -> None:
    """One agent cannot even learn that another agent's escalation exists."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        desk = town.house.desk

        with pytest.raises(NotFound):
            await desk.act(
                "shop",
                name,
                agent("support"),
                wire.ContextIn(text="more"),
                via="api",
                agent_key="other",
            )
        with pytest.raises(NotFound):
            await desk.act("shop", "esc_none", person("maria"), wire.AcceptIn(), via="api")


@pytest.mark.parametrize(
    ("by", "request_"),
    [
        (agent("support"), wire.AcceptIn()),
        (agent("support"), wire.DecideIn(kind="approve")),
        (END_USER, wire.CommentIn(text="hello")),
        (person("maria"), wire.WithdrawIn()),
        (person("maria"), wire.CollectIn(attempt="a")),
    ],
)
async def test_nobody_sends_what_is_not_theirs_to_send(by: Actor, request_: wire.Act) -> None:
    """Agents never decide, end users never comment, people never withdraw or collect."""
    async with shop() as (town, key):
        name = await stopped(town, key)

        with pytest.raises(NotAllowed):
            await town.house.desk.act("shop", name, by, request_, via="api", agent_key=key.id)


async def test_every_verb_of_a_person_reaches_the_escalation() -> None:
    """One table serves API, console and channels."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        maria = town.person("maria")

        await maria.accept(name)
        await maria.act(name, wire.SnoozeIn(seconds=60))
        await maria.act(name, wire.ExtendIn(seconds=600, reason="bank holiday"))
        await maria.act(name, wire.QuestionIn(to="agent", text="Which order?"))
        row = await town.row(name)
        assert row.escalation.question is not None
        question = row.escalation.question.id
        await town.house.desk.act(
            "shop",
            name,
            agent("support"),
            wire.ReplyIn(question=question, text="H-1"),
            via="api",
            agent_key=key.id,
        )
        await maria.act(name, wire.CommentIn(text="looks fine"))
        await maria.act(name, wire.ContextIn(text="bank says ok"))
        await maria.act(name, wire.ReassignIn(to="tom"))
        await town.person("tom").decline(name, "on a train")
        await maria.act(name, wire.ReleaseIn(reason="leaving"))

        kinds = [each.kind for each in await town.timeline(name)]
        assert kinds[:2] == ["opened", "asked"]
        for kind in ("snoozed", "extended", "asked_back", "replied", "commented", "released"):
            assert kind in kinds


async def test_an_end_user_adds_and_takes_back_through_the_status_page() -> None:
    """What comes by the link is marked as such."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        desk = town.house.desk

        await desk.act("shop", name, END_USER, wire.ContextIn(text="also order H-2"), via="link")
        row = await desk.act("shop", name, END_USER, wire.WithdrawIn(), via="link")

        assert row.escalation.status is Status.WITHDRAWN
        with pytest.raises(AlreadyWithdrawn):
            await town.person("maria").approve(name)


async def test_a_page_of_another_generation_or_document_is_told_to_look_again() -> None:
    """A decision counts only for what was on the screen."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        maria = town.person("maria")

        with pytest.raises(StaleView, match="look again"):
            await maria.act(name, wire.AcceptIn(generation=7))
        with pytest.raises(StaleView, match="not what it asks"):
            await maria.act(name, wire.DecideIn(kind="approve", shown_digest=DIGEST))

        assert (await town.row(name)).escalation.status is Status.OPEN


async def test_accepting_twice_is_one_acceptance() -> None:
    """A double click is not a conflict, not even with the generation from before."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        maria = town.person("maria")
        generation = (await town.row(name)).escalation.generation

        first = await maria.act(name, wire.AcceptIn(generation=generation))
        again = await maria.act(name, wire.AcceptIn(generation=generation))

        assert first.escalation.version == again.escalation.version
        with pytest.raises(AlreadyAccepted, match="maria"):
            await town.person("tom").accept(name)


async def test_the_loser_of_a_race_is_told_who_was_first() -> None:
    """The first decision wins and never changes."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.person("maria").approve(name)

        with pytest.raises(AlreadyDecided, match="by maria"):
            await town.person("dana").reject(name)


async def test_a_verb_is_applied_again_when_another_change_was_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Callers see conflicts of the domain, never those of the store."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        commit = town.house.store.commit
        lost = iter([True, True, False])

        async def contested(filed: Any) -> None:
            if next(lost, False):
                raise VersionConflict("another was first")
            await commit(filed)

        monkeypatch.setattr(town.house.store, "commit", contested)

        row = await town.person("maria").accept(name)

        assert row.escalation.owner == "maria"


async def test_a_verb_that_never_gets_through_says_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The number of tries is bounded for people, agents and the engine alike."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.person("maria").approve(name)
        other = await stopped(town, key, refund(key="k2"))
        generation = (await town.row(other)).escalation.generation
        desk = town.house.desk

        async def contested(_: Any) -> None:
            raise VersionConflict("another was first")

        monkeypatch.setattr(town.house.store, "commit", contested)

        with pytest.raises(StoreBusy, match=str(TRIES_MAX)):
            await town.person("maria").accept(other)
        with pytest.raises(StoreBusy, match="try again"):
            await desk.collect(key, name, wire.CollectIn(attempt="a"))
        with pytest.raises(StoreBusy, match="try again"):
            await desk.not_reached(Unreached("shop", other, "maria", generation))


async def test_a_decision_leaves_once_with_its_content() -> None:
    """The same attempt may ask again; another attempt is told, and runs nothing."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        desk = town.house.desk
        with pytest.raises(NotYetDecided):
            await desk.collect(key, name, wire.CollectIn(attempt="a"))
        await town.person("maria").edit(name, note="one charge", amount=240.0)

        first = await desk.collect(key, name, wire.CollectIn(attempt="a"))
        again = await desk.collect(key, name, wire.CollectIn(attempt="a"))

        assert first.content["args"] == {"order": "H-1", "amount": 240.0}
        assert again.content == first.content
        assert first.document is not None
        assert first.document["args"]["amount"] == 240.0
        with pytest.raises(AlreadyCollected):
            await desk.collect(key, name, wire.CollectIn(attempt="b"))


async def test_a_report_needs_the_arguments_that_were_used() -> None:
    """Without them nobody could compare what ran with what was decided."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        desk = town.house.desk
        await town.person("maria").approve(name)
        told = wire.ReportIn(attempt="a", outcome="executed", args={})
        with pytest.raises(NotCollected):
            await desk.report(key, name, told)
        await desk.collect(key, name, wire.CollectIn(attempt="a"))

        with pytest.raises(InvalidInput, match="really used"):
            await desk.report(key, name, wire.ReportIn(attempt="a", outcome="executed"))
        told = wire.ReportIn(attempt="a", outcome="executed", args={"amount": float("nan")})
        with pytest.raises(InvalidInput, match="Send JSON"):
            await desk.report(key, name, told)
        args = await town.args_of(name)
        row = await desk.report(
            key, name, wire.ReportIn(attempt="a", outcome="executed", args=dict(args))
        )

        assert row.escalation.closed_as == "executed"


async def test_something_else_that_ran_opens_a_question_to_a_person() -> None:
    """Drift is not a log line: somebody owns it."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        desk = town.house.desk
        await town.person("maria").approve(name)
        await desk.collect(key, name, wire.CollectIn(attempt="a"))

        told = wire.ReportIn(attempt="a", outcome="executed", args={"amount": 9000.0})
        row = await desk.report(key, name, told)
        again = await desk.report(key, name, told)

        assert row.escalation.closed_as == "drifted"
        assert again.escalation.version == row.escalation.version
        followers = [
            each.escalation for each in await town.escalations() if each.escalation.follows == name
        ]
        assert [each.severity for each in followers] == ["high"]
        shown = await town.house.contents.one("shop", followers[0].id, "shown")
        assert shown["drift"]["executed"] == {"amount": 9000.0}


async def test_nobody_decided_and_a_rule_that_names_approve_gives_the_proposal() -> None:
    """Only a rule that says so approves by silence, and then exactly what was proposed."""
    policy = POLICY.replace(
        "when: args.amount > 250}", "when: args.amount > 250, fallback: approve}"
    )
    async with shop(policy) as (town, key):
        name = await stopped(town, key)
        await town.turn(timedelta(hours=2, minutes=1))

        taken = await town.house.desk.collect(key, name, wire.CollectIn(attempt="a"))

        assert taken.row.escalation.decision is not None
        assert taken.row.escalation.decision.by == "rule"
        assert taken.content["args"] == {"order": "H-1", "amount": 480.0}


async def test_a_late_decision_opens_a_fresh_escalation_of_that_person() -> None:
    """The old one never changes; clicking twice does not open two."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        await town.turn(timedelta(hours=2, minutes=1))
        desk = town.house.desk

        fresh = await desk.decide_late("shop", name, "maria")
        again = await desk.decide_late("shop", name, "maria")

        assert fresh.escalation.owner == "maria"
        assert fresh.escalation.follows == name
        assert again.escalation.id == fresh.escalation.id
        assert (await town.row(name)).escalation.status is Status.DECIDED


async def test_a_drill_goes_through_a_real_ladder_and_counts_for_nothing() -> None:
    """So a lead can see that the ladder works before the night it is needed."""
    async with shop() as (town, _):
        row = await town.house.desk.drill("shop", "dana", ladder="billing")
        await town.person("maria").answer(row.escalation.id, "seen")

        ended = (await town.row(row.escalation.id)).escalation
        assert row.escalation.purpose is Purpose.DRILL
        assert row.escalation.owner == "maria"
        assert ended.status is Status.CLOSED
        with pytest.raises(InvalidInput, match="billing, board"):
            await town.house.desk.drill("shop", "dana", ladder="nowhere")


async def test_a_person_nobody_can_reach_is_passed_over_at_once() -> None:
    """Sent is not reached: the next rung does not wait for a deadline."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        found = (await town.row(name)).escalation
        desk = town.house.desk

        await desk.not_reached(Unreached("shop", name, "maria", found.generation))
        await desk.not_reached(Unreached("shop", name, "maria", found.generation))

        assert (await town.row(name)).escalation.owner == "tom"


async def test_labels_learned_later_leave_the_timeline_alone() -> None:
    """An outcome is knowledge about the escalation, not a part of what happened."""
    async with shop() as (town, key):
        name = await stopped(town, key)
        before = await town.timeline(name)

        request = wire.OutcomeIn(label="needed", text="fraud was real")
        await town.house.desk.note_outcome("shop", name, person("maria"), request)

        found = await town.house.store.outcomes("shop", name)
        assert [(each.label, each.by, each.run) for each in found] == [
            ("needed", "person:maria", "run-1")
        ]
        assert await town.timeline(name) == before


async def test_calls_are_recorded_in_batches_and_losses_are_counted() -> None:
    """Without denominators nobody can judge a rule."""
    async with shop() as (town, key):
        calls = [
            wire.CallIn(id="c1", at="2027-01-05T12:00:00Z", tool="search", verdict="allow"),
            wire.CallIn(id="c1", at="2027-01-05T12:00:00Z", tool="search", verdict="allow"),
        ]

        recorded = await town.house.desk.record_calls(key, wire.CallsIn(calls=calls, lost=3))

        counts = await _counts(town)
        assert recorded == 3
        assert counts == {("search", "allow"): 1, ("", "lost"): 3}
        bad = [wire.CallIn(id="c2", at="yesterday", tool="search", verdict="allow")]
        with pytest.raises(InvalidInput, match=r"calls\[0\]\.at"):
            await town.house.desk.record_calls(key, wire.CallsIn(calls=bad))
        naive = [wire.CallIn(id="c3", at="2027-01-05T12:00", tool="s", verdict="allow")]
        with pytest.raises(InvalidInput, match="its zone"):
            await town.house.desk.record_calls(key, wire.CallsIn(calls=naive))


async def _counts(town: Town) -> dict[tuple[str, str], int]:
    since = town.clock.now() - timedelta(days=1)
    return dict(await town.house.store.call_counts("shop", since=since))


async def test_what_was_erased_is_said_to_be_gone() -> None:
    """Erasure is not an internal error."""
    async with shop() as (town, key):
        name = await stopped(town, key)

        with pytest.raises(NotFound, match="not there any more"):
            await town.house.contents.one("shop", name, "comment/9")


async def test_a_milder_hit_of_the_agent_does_not_soften_a_verdict() -> None:
    """An agent may stop itself, never let itself through."""
    async with shop() as (town, key):
        hits = [wire.HitIn(rule="refund-over-limit", mode="gate")]

        opened = await town.house.desk.open(key, refund(-1.0, hits=hits))

        assert opened.judgement.verdict is Verdict.DENY


async def test_somebody_who_asked_for_a_person_gets_one() -> None:
    """The application may know it from a button, where no word of the transcript says so."""
    policy = POLICY.replace("tool: hand_over,", "when: end_user.asks_for_person,")
    async with shop(policy) as (town, key):
        end_user = wire.EndUserIn(id="u_7", asks_for_person=True)

        silent = await town.house.desk.open(key, refund(1.0, end_user=wire.EndUserIn(id="u_7")))
        pressed = await town.house.desk.open(key, refund(1.0, key="k2", end_user=end_user))

        assert silent.row is None
        assert pressed.row is not None
        assert pressed.row.escalation.rule == "wants-a-person"


async def test_a_rule_that_asks_to_choose_brings_its_options() -> None:
    """People choose between what the policy's steward wrote, with what each of them means."""
    policy = POLICY.replace(
        "  - {id: wants-a-person",
        "  - id: which-account\n"
        "    tool: change_account\n"
        "    ask_kind: choose\n"
        "    options:\n"
        "      - {id: a, label: Account A, consequence: A is changed.}\n"
        "      - {id: none, label: Neither, safe: yes}\n"
        "  - {id: wants-a-person",
    )
    async with shop(policy) as (town, key):
        name = await stopped(town, key, wire.OpenIn(key="k", tool="change_account"))

        row = await town.person("maria").choose(name, "a")

        shown = await town.house.contents.one("shop", name, "shown")
        assert [each["id"] for each in shown["ask"]["options"]] == ["a", "none"]
        assert row.escalation.decision is not None
        assert row.escalation.decision.option == "a"
