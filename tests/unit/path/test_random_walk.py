"""Anybody does anything at any time; clocks jump back, people leave; invariants hold."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pullcord.errors import CallerIsWrong, WorldMovedOn
from pullcord.owner.floor import Floor
from pullcord.owner.ladder import Ladder, Rung, parse_target
from pullcord.owner.roster import Absence, Role
from pullcord.path import asking, deciding, ending, talking
from pullcord.path.deciding import Ruling
from pullcord.path.escalation import (
    Actor,
    ActorKind,
    AskKind,
    Change,
    ClosedAs,
    Control,
    DecisionKind,
    Escalation,
    Fallback,
    MessageKind,
    Status,
    Terms,
    agent,
)
from pullcord.path.stepping import step
from pullcord.path.timeline import Link, broken, fold, link, public
from tests.unit.path.scenes import (
    FLOOR,
    MINUTE,
    NOON,
    PEOPLE,
    SHOWN,
    blank,
    fresh,
    ruling,
    sign,
    told_of,
)

WHO = st.sampled_from(sorted(PEOPLE))
SPANS = st.integers(1, 200).map(lambda minutes: minutes * MINUTE)
LADDERS = st.lists(
    st.sampled_from(["team/billing", "person/cyd", "person/eve", "person/gus", "person/ana"]),
    max_size=3,
).map(lambda names: Ladder("l", tuple(Rung(parse_target(n), 10 * MINUTE) for n in names), "dana"))
TERMS = st.builds(
    Terms,
    fallback=st.sampled_from(Fallback),
    decide_within=SPANS,
    hold_for=SPANS,
    collect_within=SPANS,
    report_within=SPANS,
    extend_at_most=SPANS,
    reassign_within=SPANS,
    quorum=st.integers(1, 3),
    safe_option=st.sampled_from([None, "later"]),
    end_user_may_withdraw=st.booleans(),
)

Verb = Callable[[Escalation, str, Floor, datetime, Any], Change]
#: what people do: verb -> how, given some more chance
PEOPLE_DO: Mapping[str, Verb] = {
    "accept": lambda e, who, floor, now, _: asking.accept(e, who, floor, now),
    "decline": lambda e, who, floor, now, _: asking.decline(e, who, floor, now, reason="No."),
    "release": lambda e, who, floor, now, _: asking.release(e, who, floor, now),
    "reassign": lambda e, who, floor, now, more: asking.reassign(e, who, floor, now, to=more["to"]),
    "snooze": lambda e, who, floor, now, more: asking.snooze(
        e, who, floor, now, within=more["span"]
    ),
    "extend": lambda e, who, floor, now, more: asking.extend(
        e, who, floor, now, within=more["span"]
    ),
    "ask": lambda e, who, floor, now, more: talking.ask_back(
        e, who, floor, now, to=more["party"], text="?"
    ),
    "comment": lambda e, who, floor, now, _: talking.comment(e, who, floor, now, text="!"),
    "take_over": lambda e, who, floor, now, _: deciding.take_over(e, who, floor, now),
    "hand_back": lambda e, who, floor, now, _: deciding.hand_back(
        e, who, floor, now, ruling=ruling(DecisionKind.HAND_BACK), sign=sign
    ),
    "decide": lambda e, who, floor, now, more: deciding.decide(
        e, who, floor, now, ruling=more["ruling"], sign=sign
    ),
    "decide_late": lambda e, who, floor, now, _: ending.decide_late(
        e, who, floor, now, fresh=fresh()
    ),
}
RULINGS = st.builds(
    lambda kind, answer, option: ruling(kind, option=option, content={"answer": answer}),
    st.sampled_from([*DecisionKind][:5]),
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["later", "now"]),
)
REPORTS = st.builds(
    told_of,
    st.sampled_from([ClosedAs.EXECUTED, ClosedAs.FAILED, ClosedAs.NOT_NEEDED]),
    st.sampled_from(["shown", "edited", "other", None]),
    st.sampled_from(["a1", "a2"]),
)
CHANGES = st.sampled_from(
    [
        {"is_active": False},
        {"is_active": True, "absences": ()},
        {"absences": (Absence(NOON, NOON + timedelta(days=2)),)},
        {"role": Role.AUDITOR},
        {"role": Role.LEAD},
    ]
)


class Walk(RuleBasedStateMachine):
    """One escalation, and whatever follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.floor = FLOOR
        self.links: dict[str, list[Link]] = {}
        self.rows: dict[str, Escalation] = {}
        self.decided = 0

    @property
    def escalation(self) -> Escalation:
        """The one the walk is about."""
        return self.rows["esc_1"]

    def apply(self, act: Callable[[], Change]) -> Change:
        """Do it if it may be done, write it down, and check what one step must never do."""
        try:
            change = act()
        except (CallerIsWrong, WorldMovedOn):
            return Change()
        for after in change.escalations:
            before = self.rows.get(after.id)
            if before is None:
                assert after.version == 1
            elif after.id == "esc_1":
                assert after.version == before.version + 1
                assert after.generation >= before.generation
                assert before.decision is None or after.decision == before.decision
                assert _pinned(after) == _pinned(before)
            self.rows[after.id] = after
        for entry in change.entries:
            self.decided += (entry.escalation, entry.kind) == ("esc_1", "decided")
            chain = self.links.setdefault(entry.escalation, [])
            head = chain[-1].hash if chain else ""
            commitments = dict.fromkeys(entry.sealed, "c")
            chain.append(
                link(
                    "shop",
                    entry.escalation,
                    entry,
                    seq=len(chain) + 1,
                    prev=head,
                    commitments=commitments,
                )
            )
        _fair_words(change)
        return change

    @initialize(
        ask_kind=st.sampled_from(AskKind),
        terms=TERMS,
        ladder=LADDERS,
        environment=st.sampled_from(["production", "production", "test"]),
        severity=st.sampled_from(["normal", "high"]),
        requester=st.sampled_from(["vic", "ana", "dana"]),
        is_awaited=st.booleans(),
    )
    def opens(self, **facts: Any) -> None:
        """An agent stops."""
        self.apply(lambda: asking.open_escalation(blank(**facts), SHOWN, self.floor, self.now))

    @rule(
        verb=st.sampled_from(sorted(PEOPLE_DO)),
        who=WHO,
        to=WHO,
        span=SPANS,
        party=st.sampled_from([ActorKind.AGENT, ActorKind.END_USER]),
        wish=RULINGS,
    )
    def somebody_acts(
        self, verb: str, who: str, to: str, span: timedelta, party: ActorKind, wish: Ruling
    ) -> None:
        """Any person tries any verb."""
        more = {"to": to, "span": span, "party": party, "ruling": wish}
        if verb == "decide_late" and "esc_2" in self.rows:
            return
        self.apply(lambda: PEOPLE_DO[verb](self.escalation, who, self.floor, self.now, more))

    @precondition(lambda self: self.escalation.is_living)
    @rule(
        verb=st.sampled_from(["accept", "decide", "take_over", "hand_back", "release", "reassign"]),
        to=WHO,
        wish=RULINGS,
    )
    def the_owner_acts(self, verb: str, to: str, wish: Ruling) -> None:
        """So that the walk gets somewhere, those who may act do it more often."""
        more = {"to": to, "ruling": wish}
        owner = self.escalation.owner
        self.apply(lambda: PEOPLE_DO[verb](self.escalation, owner, self.floor, self.now, more))

    @rule(by=st.sampled_from([agent("support"), Actor(ActorKind.END_USER, "via link")]))
    def the_outside_adds(self, by: Actor) -> None:
        """Context comes, whoever sends it."""
        self.apply(
            lambda: talking.add_context(self.escalation, by, self.floor, self.now, text="More.")
        )

    @rule(by=st.sampled_from([agent("support"), Actor(ActorKind.END_USER, "via link")]))
    def the_outside_replies(self, by: Actor) -> None:
        """An answer to the pending question, by whom it was or was not asked of."""
        question = self.escalation.question
        name = question.id if question else "question/1"
        self.apply(lambda: talking.reply(self.escalation, by, self.now, question=name, text="42."))

    @rule(by=st.sampled_from([agent("support"), Actor(ActorKind.END_USER, "via link")]))
    @precondition(lambda self: self.escalation.version > 6)
    def the_outside_withdraws(self, by: Actor) -> None:
        """The question is taken back."""
        self.apply(lambda: ending.withdraw(self.escalation, by, self.now))

    @rule(attempt=st.sampled_from(["a1", "a2"]))
    def the_agent_collects(self, attempt: str) -> None:
        """One attempt, or two at once."""
        self.apply(lambda: ending.collect(self.escalation, self.now, attempt=attempt))

    @rule(said=REPORTS)
    def the_agent_reports(self, said: ending.Report) -> None:
        """What it executed, or something else."""
        drifted = ending.has_drifted(self.escalation, said)
        if drifted and "esc_2" in self.rows:
            return
        after = fresh() if drifted else None
        self.apply(lambda: ending.report(self.escalation, said, self.floor, self.now, fresh=after))

    @rule(who=WHO, older=st.integers(0, 1))
    def nobody_reached(self, who: str, older: int) -> None:
        """The courier says so, perhaps late."""
        generation = self.escalation.generation - older
        self.apply(
            lambda: asking.not_reached(
                self.escalation, who, self.floor, self.now, generation=generation
            )
        )

    @rule(who=WHO, what=CHANGES)
    def people_change(self, who: str, what: dict[str, Any]) -> None:
        """Somebody leaves, returns, goes on holiday, gets another role."""
        someone = replace(self.floor.people[who], **what)
        self.floor = replace(self.floor, people={**self.floor.people, who: someone})

    @rule(load=st.dictionaries(WHO, st.integers(0, 9)))
    def load_changes(self, load: dict[str, int]) -> None:
        """Other escalations come and go."""
        self.floor = replace(self.floor, load=load)

    @rule(minutes=st.integers(-2, 120))
    def time_passes(self, minutes: int) -> None:
        """Forward, or back a little; then the engine does what is due, until nothing is."""
        self.now += minutes * MINUTE
        for _ in range(20):
            change = self.apply(self._step)
            if change.is_empty:
                break
        assert self._step().is_empty, "the engine finds no end"
        due_at = self.escalation.due_at
        assert due_at is None or due_at > self.now, "what is due was not done"

    def _step(self) -> Change:
        return step(self.escalation, self.floor, self.now, sign=sign, nonce="n")

    # --- what always holds ------------------------------------------------------------------

    @invariant()
    def a_living_one_has_an_owner_and_a_deadline(self) -> None:
        """Nothing waits for nobody, nothing waits for ever."""
        for each in self.rows.values():
            if each.is_living:
                assert each.owner
            assert (each.due_at is None) == (each.status in (Status.CLOSED, Status.WITHDRAWN))
            assert _deadlines(each) in DEADLINES[each.status]

    @invariant()
    def an_offer_fits_its_status(self) -> None:
        """While open somebody is asked, the owner among them; afterwards only takers and voters."""
        for each in self.rows.values():
            offer = each.offer
            if each.status is Status.OPEN:
                assert offer is not None
                assert each.owner in offer.candidates
                assert offer.until == each.accept_by
                assert len(set(offer.candidates)) == len(offer.candidates)
            elif each.status is Status.ACCEPTED and offer is not None:
                assert offer.candidates
                assert each.owner not in offer.candidates
                assert bool(offer.taker) == (each.accept_by is not None)
                assert offer.taker in ("", *offer.candidates)
                assert each.terms.quorum > 1 or offer.candidates == (offer.taker,)
            else:
                assert offer is None

    @invariant()
    def there_is_at_most_one_decision_and_silence_approves_nothing(self) -> None:
        """Whose it is and what it lets run can always be told."""
        each = self.escalation
        decision = each.decision
        assert self.decided == (decision is not None)
        assert (decision is None) == (each.is_living or each.status is Status.WITHDRAWN)
        if decision is None:
            return
        if decision.kind is DecisionKind.NOBODY_DECIDED:
            assert decision.by == "rule"
            named = each.terms.fallback is Fallback.APPROVE and each.ask_kind is AskKind.APPROVE
            assert (decision.decided_digest is not None) == named
            return
        assert decision.by in PEOPLE
        assert (
            each.environment != "production"
            or each.severity != "high"
            or (decision.by != each.requester)
        )
        if decision.kind is not DecisionKind.HAND_BACK and each.terms.quorum > 1:
            voters = {vote.by for vote in each.votes}
            assert len(voters) == len(each.votes) >= each.terms.quorum

    @invariant()
    def control_is_a_persons_only_while_a_person_has_it(self) -> None:
        """Nobody holds a run who has nothing to decide."""
        assert self.escalation.control is Control.AGENT or (
            self.escalation.status is Status.ACCEPTED
        )

    @invariant()
    def the_timeline_is_whole_and_folds_to_the_row(self) -> None:
        """What is stored is exactly what is provable, and blind votes are in neither."""
        for name, links in self.links.items():
            pairs = [(each.body, each.hash) for each in links]
            assert broken(pairs, workspace="shop", chain=name) == []
            assert fold(each.body for each in links) == public(self.rows[name])
        if self.escalation.decision is None:
            assert not any(b'"votes"' in each.body for each in self.links["esc_1"])


#: named deadlines of each status: which are set
DEADLINES: Mapping[Status, list[set[str]]] = {
    Status.OPEN: [{"accept_by", "decide_by"}],
    Status.ACCEPTED: [{"hold_until", "decide_by"}, {"accept_by", "hold_until", "decide_by"}],
    Status.DECIDED: [{"collect_by"}],
    Status.COLLECTED: [{"report_by"}],
    Status.CLOSED: [set()],
    Status.WITHDRAWN: [set()],
}


def _deadlines(escalation: Escalation) -> set[str]:
    """The named deadlines that are set."""
    names = ("accept_by", "hold_until", "decide_by", "collect_by", "report_by")
    return {name for name in names if getattr(escalation, name) is not None}


def _pinned(escalation: Escalation) -> tuple[object, ...]:
    """What never changes after opening: the action above all."""
    return (
        escalation.body_digest,
        escalation.shown_digest,
        escalation.ladder,
        escalation.terms,
        escalation.policy_version,
        escalation.key,
        escalation.opened_at,
        escalation.requester,
    )


def _fair_words(change: Change) -> None:
    """Nobody is told two contrary things in one act, and nothing is told to nobody."""
    for each in change.messages:
        assert each.to_id
    asked = {each.to_id for each in change.messages if each.kind is MessageKind.ASKED}
    stood_down = {each.to_id for each in change.messages if each.kind is MessageKind.STOOD_DOWN}
    assert not asked & stood_down
    for escalation in change.escalations:
        if escalation.is_living and len(change.escalations) == 1:
            assert escalation.owner not in stood_down


Walk.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestWalk = Walk.TestCase
