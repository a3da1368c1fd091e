"""A guarded call, from the rule that lets it run to the person who stops it."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from pullcord import (
    Claims,
    DeniedByPolicy,
    EndUser,
    InvalidInput,
    NobodyDecided,
    NotDone,
    Parked,
    Pullcord,
    RejectedByPerson,
    TakenOver,
    Told,
    current_proof,
)
from pullcord.errors import KeyReused
from pullcord.testing import answers, approves, edits, rejects
from tests.client.stage import Stage, refund

ANNA = EndUser("u_7", name="Anna")


def test_an_allowed_call_runs_and_costs_no_network(stage: Stage) -> None:
    """Almost every call is allowed; a guard that made each slower would be taken off."""
    made: list[Any] = []
    issue_refund = stage.agent().guard(refund(made))
    issue_refund("A", 10.0)
    before = len([each for each in stage.faults.seen if "/calls" not in each])

    values = [issue_refund("A", amount=20.0) for _ in range(50)]

    assert values == ["refunded 20.00 for A"] * 50
    assert len([each for each in stage.faults.seen if "/calls" not in each]) == before


@pytest.mark.parametrize("tool", ["look_up", "send_letter"])
def test_what_is_only_observed_or_sampled_runs(stage: Stage, tool: str) -> None:
    """Watching must not change what the agent does."""
    agent = stage.agent()
    guarded = agent.guard(lambda what: f"done {what}", tool=tool)

    assert guarded("x") == "done x"


def test_a_stopped_call_parks_at_once_and_does_not_run(stage: Stage) -> None:
    """Parking is no error: somebody is asked, user and model are told who and until when."""
    made: list[Any] = []
    agent = stage.agent()
    issue_refund = agent.guard(refund(made))

    with agent.cord.run(stage.thread, end_user=ANNA), pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)

    parked = stopped.value
    row = stage.row(parked.escalation)
    assert made == []
    assert (row.run, row.end_user, row.owner, row.tool) == (
        stage.thread,
        "u_7",
        "maria",
        "issue_refund",
    )
    assert parked.status_url in parked.for_user
    assert parked.promise_by == row.promise_by
    assert "has NOT run" in parked.for_model
    assert parked.escalation in parked.for_model


@pytest.mark.promise("decided-is-executed")
def test_what_was_edited_is_exactly_what_runs(stage: Stage) -> None:
    """A person changed the amount: the changed call runs, once, and is reported."""
    made: list[Any] = []
    stage.live.plays("maria", edits(amount=400, note="half of it"))
    agent = stage.agent()
    issue_refund = agent.guard(refund(made), wait="20s")

    with agent.cord.run(stage.thread) as run:
        value = issue_refund("A", 480.0)

    row = stage.newest()
    assert value == "refunded 400.00 for A"
    assert made == [("A", 400)]
    assert row.closed_as == "executed"
    assert run.decisions[-1].note == "half of it"
    assert run.decisions[-1].args == {"order": "A", "amount": 400}


def test_an_approved_call_runs_with_the_very_objects_it_was_made_with(stage: Stage) -> None:
    """Nothing is rebuilt where nothing was changed, so nothing can be lost."""
    stage.live.plays("maria", approves())
    seen: list[Any] = []
    order = ["A", "B"]

    def issue_refund(orders: list[str], amount: float) -> None:
        seen.append((orders, current_proof()))

    stage.agent().guard(issue_refund, wait="20s")(order, 300.0)

    (orders, proof) = seen[0]
    assert orders is order
    assert proof.document["args"] == {"orders": ["A", "B"], "amount": 300}
    assert current_proof() is None


def test_a_rejected_call_does_not_run_and_says_who_said_no(stage: Stage) -> None:
    """The model must learn that it was a person and why, or it asks again."""
    made: list[Any] = []
    stage.live.plays("maria", rejects(note="not this customer"))
    issue_refund = stage.agent().guard(refund(made), wait="20s")

    with pytest.raises(RejectedByPerson) as stopped:
        issue_refund("A", 480.0)

    assert made == []
    assert "Maria from Billing" in stopped.value.for_model
    assert "not this customer" in stopped.value.for_model
    assert stopped.value.escalation == stage.newest().id
    assert stage.newest().closed_as == "not_needed"


def test_silence_is_no_rejection_and_never_consent(stage: Stage) -> None:
    """Nobody answered: the fallback speaks, as a kind of its own."""
    made: list[Any] = []
    agent = stage.agent()
    issue_refund = agent.guard(refund(made))
    with pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)
    stage.live.turn(timedelta(hours=3))

    with pytest.raises(NobodyDecided):
        agent.resume(stopped.value.escalation, on_stop="raise")

    assert made == []


def test_a_fallback_that_a_rule_names_lets_the_call_run(stage: Stage) -> None:
    """Approval by silence exists only where somebody wrote it down, and says so."""
    agent = stage.agent()
    ping = agent.guard(lambda host: f"pinged {host}", tool="ping")
    with pytest.raises(Parked) as stopped:
        ping("a")
    stage.live.turn(timedelta(minutes=21))

    assert agent.resume(stopped.value.escalation) == "pinged a"


def test_a_denied_call_wakes_nobody(stage: Stage) -> None:
    """What nobody may do must not cost a person's evening."""
    made: list[Any] = []
    issue_refund = stage.agent().guard(refund(made))

    with pytest.raises(DeniedByPolicy) as stopped:
        issue_refund("A", 20_000.0)

    assert made == []
    assert "far-too-much" in stopped.value.for_model
    assert "far-too-much" not in stopped.value.for_user
    assert stage.faults.count("POST /v1/escalations") == 0


def test_a_veto_rule_asks_first(stage: Stage) -> None:
    """A call that cannot be taken back waits for people here."""
    close_account = stage.agent().guard(lambda account: account, tool="close_account")

    with pytest.raises(Parked):
        close_account("4711")


def test_instead_of_raising_the_model_can_be_told(stage: Stage) -> None:
    """Some frameworks retry on exceptions or abort; a text they pass on as it is."""
    issue_refund = stage.agent().guard(refund([]), on_stop="tell_model")

    told = issue_refund("A", 480.0)

    assert isinstance(told, Told)
    assert isinstance(told.reason, Parked)
    assert told == told.reason.for_model


def test_the_same_call_again_is_the_same_escalation(stage: Stage) -> None:
    """A node that a framework runs twice, even in another process, asks people once."""
    first, second = stage.agent(), stage.agent()
    found = []
    for agent in (first, first, second):
        issue_refund = agent.guard(refund([]), tool="issue_refund")
        with agent.cord.run(stage.thread), agent.cord.call("call_9"), pytest.raises(Parked) as one:
            issue_refund("A", 480.0)
        found.append(one.value.escalation)

    assert len(set(found)) == 1


def test_the_id_of_the_call_can_come_from_the_transcript(stage: Stage) -> None:
    """Agents that pass their messages need not name calls at all."""
    agent = stage.agent()
    issue_refund = agent.guard(refund([]))
    messages = [
        {"role": "user", "content": "my money back"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_42",
                    "function": {
                        "name": "issue_refund",
                        "arguments": '{"order": "A", "amount": 480.0}',
                    },
                }
            ],
        },
    ]

    with agent.cord.run(stage.thread, messages=messages), pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)

    row = stage.row(stopped.value.escalation)
    assert (row.call, row.key, row.turn) == ("call_42", f"{stage.thread}/call_42", "turn-1")


def test_the_id_of_the_call_can_be_an_argument(stage: Stage) -> None:
    """Some frameworks hand the id to the tool itself; it is not part of the action."""
    seen: list[Any] = []

    def issue_refund(order: str, amount: float, call: str) -> str:
        seen.append(call)
        return order

    agent = stage.agent()
    guarded = agent.guard(issue_refund, call_id="call")

    with pytest.raises(Parked) as stopped:
        guarded("A", 480.0, call="call_77")

    stage.act("maria", "approve", stopped.value.escalation)
    assert stage.row(stopped.value.escalation).call == "call_77"
    assert agent.resume(stopped.value.escalation) == "A"
    assert seen == ["call_77"]


def test_a_key_never_stands_for_two_actions(stage: Stage) -> None:
    """Or an approval of one refund would pay another."""
    agent = stage.agent()
    issue_refund = agent.guard(refund([]))

    with agent.cord.call("call_1"):
        with pytest.raises(Parked):
            issue_refund("A", 480.0)
        with pytest.raises(KeyReused):
            issue_refund("B", 480.0)


def test_a_call_without_an_id_is_asked_about_each_time(stage: Stage) -> None:
    """Two equal refunds are two refunds; arguments never make a key."""
    issue_refund = stage.agent().guard(refund([]))
    found = set()

    for _ in range(2):
        with pytest.raises(Parked) as stopped:
            issue_refund("A", 480.0)
        found.add(stopped.value.escalation)

    assert len(found) == 2


def test_while_a_person_has_the_conversation_nothing_runs(stage: Stage) -> None:
    """A colleague who took over must not be talked into by the agent, in any of its processes."""
    made: list[Any] = []
    agent, other = stage.agent(), stage.agent()
    issue_refund = agent.guard(refund(made))
    with agent.cord.run(stage.thread), pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)
    stage.act("maria", "take_over", stopped.value.escalation)

    for each in (agent, other):
        harmless = each.guard(refund(made), tool="harmless")
        with each.cord.run(stage.thread), pytest.raises(TakenOver) as refused:
            harmless("A", 1.0)
        assert "Maria from Billing" in refused.value.for_model
    stage.act("maria", "hand_back", stopped.value.escalation, decided="paid by hand")
    with other.cord.run(stage.thread):
        other.guard(refund(made), tool="harmless")("B", 1.0)

    assert made == [("B", 1.0)]
    with pytest.raises(TakenOver) as back:
        agent.resume(stopped.value.escalation, on_stop="raise")
    assert "paid by hand" in back.value.for_model


def test_a_call_that_waits_notices_that_a_person_took_over(stage: Stage) -> None:
    """Waiting on would hold up an agent for an answer that will come another way."""
    agent = stage.agent()
    stage.live.plays("maria", answers("x"))
    issue_refund = agent.guard(refund([]))
    with agent.cord.run(stage.thread), agent.cord.call("c"), pytest.raises(Parked) as stopped:
        issue_refund("A", 480.0)
    stage.act("maria", "take_over", stopped.value.escalation)
    waiting = agent.guard(refund([]), wait="20s", tool="issue_refund")

    with agent.cord.call("c"), agent.cord.run(stage.thread), pytest.raises(TakenOver):
        waiting("A", 480.0)


def test_a_person_who_takes_over_ends_the_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The held poll knows of decisions only; between two of them the call looks up."""
    monkeypatch.setattr("pullcord.client.asking.POLL", 1.0)
    made: list[Any] = []
    agent = stage.agent()
    issue_refund = agent.guard(refund(made), wait="30s")
    with agent.cord.call("c"), pytest.raises(Parked) as stopped:
        agent.guard(refund(made), tool="issue_refund")("A", 480.0)
    timer = threading.Timer(0.2, stage.act, ("maria", "take_over", stopped.value.escalation))
    timer.start()

    with agent.cord.call("c"), pytest.raises(TakenOver):
        issue_refund("A", 480.0)

    timer.join()
    assert made == []


def test_a_call_whose_question_was_taken_back_does_not_run(stage: Stage) -> None:
    """The end user cancelled: neither rejected nor waiting for ever."""
    made: list[Any] = []
    agent = stage.agent()
    issue_refund = agent.guard(refund(made), wait="20s")
    parking = agent.guard(refund(made), tool="issue_refund")
    with agent.cord.call("c"), pytest.raises(Parked) as stopped:
        parking("A", 480.0)
    agent.do(agent.cord.withdraw(stopped.value.escalation, "changed my mind"))
    agent.do(agent.cord.withdraw(stopped.value.escalation, "again"))

    with agent.cord.call("c"), pytest.raises(NotDone, match="taken back"):
        issue_refund("A", 480.0)

    assert made == []


def test_a_guarded_method_resumes_with_its_object(stage: Stage) -> None:
    """`self` is not an argument people decide about; in this process it is kept."""
    agent = stage.agent()

    class Shop:
        paid = 0.0

        def pay(self, amount: float) -> float:
            self.paid += amount
            return self.paid

    shop = Shop()
    pay = agent.guard(Shop.pay, tool="issue_refund")
    with pytest.raises(Parked) as stopped:
        pay(shop, 300.0)
    stage.act("maria", "approve", stopped.value.escalation)

    assert agent.resume(stopped.value.escalation) == 300.0
    assert shop.paid == 300.0


def test_what_the_agent_claims_is_sent_along(stage: Stage) -> None:
    """People decide better when they read what the agent thinks, marked as its own words."""
    agent = stage.agent()
    issue_refund = agent.guard(refund([]))
    claims = Claims(situation="parcel lost", confidence=0.4, unknowns=("carrier",))

    with (
        agent.cord.run("t", claims=claims, signals={"mood": "angry"}),
        pytest.raises(Parked) as one,
    ):
        issue_refund("A", 480.0)

    house = stage.live.town.house
    shown = stage.live.call(house.contents.one("shop", one.value.escalation, "shown"))
    assert shown["claims"]["situation"] == "parcel lost"
    assert shown["scope"]["signals"] == {"mood": "angry"}


def test_a_generator_cannot_be_guarded(stage: Stage) -> None:
    """Its effect happens after the guard has long let go."""

    def rows() -> Any:
        yield 1

    with pytest.raises(InvalidInput, match="generator"):
        stage.agent().guard(rows)


@pytest.mark.parametrize(
    "terms",
    [
        {"wait": "soon"},
        {"wait": -1},
        {"on_stop": "shout"},
        {"unreachable": "maybe"},
        {"tool": "x" * 201},
    ],
)
def test_terms_that_mean_nothing_are_refused_at_once(stage: Stage, terms: dict[str, Any]) -> None:
    """A typing mistake must not become a guard that does something else."""
    with pytest.raises(InvalidInput):
        stage.agent().guard(refund([]), **terms)


async def test_an_async_tool_stays_async_under_the_blocking_face(blocking: Stage) -> None:
    """One client at the top of a module serves plain and async tools alike."""
    blocking.live.plays("maria", approves())
    cord: Pullcord = blocking.agent().cord

    @cord.guard(wait="20s")
    async def issue_refund(order: str, amount: float) -> str:
        return f"refunded {amount:.2f} for {order}"

    assert await issue_refund("A", 1.0) == "refunded 1.00 for A"
    assert await issue_refund("A", 300.0) == "refunded 300.00 for A"
    await cord.aclose()
