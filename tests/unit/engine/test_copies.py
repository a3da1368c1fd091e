"""Letters on paper: what they offer, how every copy tells the truth, and what makes noise."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pullcord.channels.port import Abilities, FoundBy, Limits, Rate
from pullcord.engine import courier
from pullcord.errors import StoreBusy
from pullcord.owner.reach import ReachStep
from pullcord.path.escalation import Actor, ActorKind
from pullcord.store.receipts import ReceiptState
from pullcord.wire import requests as wire
from tests.conformance.channels.double import Fault
from tests.conformance.channels.paper import PaperChannel
from tests.unit.engine.board import URL, Board, board
from tests.unit.engine.counter import POLICY
from tests.unit.engine.pigeons import GONE, GOOD, Pigeons

MINUTE = timedelta(minutes=1)
END_USER = Actor(ActorKind.END_USER, "via link")
SLOW = POLICY.replace("person/maria, accept_within: 10m", "person/maria, accept_within: 1h")


async def states(found: Board, escalation: str) -> list[tuple[str, ReceiptState]]:
    return [(each.channel, each.state) for each in await found.receipts(escalation)]


# --- what a letter says --------------------------------------------------------------------------


async def test_a_private_letter_shows_what_it_is_about() -> None:
    """Enough to decide by, with facts apart from what the agent says."""
    claims = wire.ClaimsIn(assessment="It looks right.", recommendation="Approve.")
    async with board() as found:
        name = await found.stopped(claims=claims)

    (note,) = found.notes()
    assert "An escalation needs you: normal, by 12:10" in note.text
    assert "Maria Lopez is being asked until 12:10." in note.text
    assert "Say by 12:10 whether you have it; decide by 14:00." in note.text
    assert "If nobody decides by 14:00, it is rejected, and the end user is told so." in note.text
    assert "order: H-1" in note.text
    assert "EUR 480.00" in note.text
    assert "End user: Anna" in note.text
    assert "The agent says, Assessment: It looks right." in note.text
    assert f"{URL}/escalations/{name}" in note.text
    assert len(note.buttons) == 4


async def test_a_letter_counts_what_happened_and_not_what_did_not() -> None:
    """A zero takes the room of something to decide by; the page shows it all the same."""
    messages = [{"role": "user", "content": "Charged twice."}]
    async with board() as found:
        name = await found.stopped(messages=messages)
        view = await found.town.house.views.detail("shop", "maria", name)

    (note,) = found.notes()
    assert "Messages so far: 1" in note.text
    assert "Failed calls" not in note.text
    assert ("Failed calls", "0") in view.facts


async def test_a_letter_that_cannot_show_everything_does_not_decide() -> None:
    """Shown is decided: a cut argument is no ground to approve on."""
    can = replace(PaperChannel.can, limits=Limits(line=12))
    async with board(can=can) as found:
        await found.stopped(args={"order": "H-1", "amount": 480.0, "why": "x" * 40})

    assert len(found.notes()[0].buttons) == 2


async def test_more_arguments_than_a_letter_has_room_for_do_not_decide() -> None:
    """The one that was left out may be the one that matters."""
    can = replace(PaperChannel.can, limits=Limits(facts=1))
    async with board(can=can) as found:
        await found.stopped()

    assert len(found.notes()[0].buttons) == 2


async def test_a_channel_many_read_shows_nothing_personal_and_lets_no_one_decline() -> None:
    """A room hears that something waits; who takes it is looked at when they press."""
    can = Abilities(has_buttons=True, found_by=FoundBy.EVERYBODY)
    async with board(can=can) as found:
        await found.stopped()

    (note,) = found.notes()
    assert "Anna" not in note.text
    assert len(note.buttons) == 1


async def test_a_channel_without_buttons_gets_none() -> None:
    """What cannot be pressed is not offered."""
    can = replace(PaperChannel.can, has_buttons=False)
    async with board(can=can) as found:
        await found.stopped()

    assert found.notes()[0].buttons == ()


async def test_an_answer_is_given_on_the_page() -> None:
    """A free answer needs more than a button."""
    ask = wire.AskIn(kind="answer", question="Which day suits?")
    async with board() as found:
        await found.stopped(tool="", args={}, ask=ask)

    (note,) = found.notes()
    assert "Which day suits?" in note.text
    assert len(note.buttons) == 2


async def test_a_drill_says_that_it_is_one() -> None:
    """Nobody is frightened by a test."""
    async with board() as found:
        await found.town.house.desk.drill("shop", "dana", ladder="billing")
        await found.town.settle()

    assert found.notes()[0].text.startswith("Drill: An escalation needs you")


async def test_the_next_letter_follows_the_first() -> None:
    """One thread an escalation, for whoever reads it."""
    policy = POLICY.replace("hold_for: 30m", "hold_for: 5m")
    async with board(policy=policy) as found:
        name = await found.stopped()
        await found.town.person("maria").accept(name)
        await found.town.person("maria").act(name, wire.QuestionIn(to="agent", text="Which order?"))
        question = (await found.town.row(name)).escalation.question
        assert question is not None
        reply = wire.ReplyIn(question=question.id, text="H-1, of course.")
        agent = found.key
        await found.town.house.desk.act(
            "shop", name, Actor(ActorKind.AGENT, agent.agent), reply, via="api", agent_key=agent.id
        )
        await found.town.settle()

    first, second = found.notes()
    assert "Your question was answered" in second.text
    assert "H-1, of course." in second.text
    sent_threads = [
        thread
        for thread, each in zip(found.double.threads, found.double.arrived(), strict=True)
        if not each.is_edit
    ]
    assert sent_threads == ["", first.reference]


async def test_erased_content_is_not_shown_and_breaks_nothing() -> None:
    """A letter about something erased still says where to look."""
    async with board() as found:
        opened = await found.town.house.desk.open(found.key, refund_of("k1"))
        assert opened.row is not None
        store = found.town.house.store

        async def nothing(*_: object, **__: object) -> list[object]:
            return []

        store.contents = nothing  # type: ignore[method-assign,assignment]
        await found.town.settle()

    (note,) = found.notes()
    assert "Anna" not in note.text
    assert "/escalations/" in note.text


def refund_of(key: str) -> wire.OpenIn:
    return wire.OpenIn(key=key, tool="issue_refund", args={"order": "H-1", "amount": 480.0})


async def test_a_situation_the_agent_tells_is_told_once() -> None:
    """It stands where situations stand, and not among the claims again."""
    claims = wire.ClaimsIn(situation="The parcel was lost.")
    async with board() as found:
        await found.stopped(claims=claims)

    assert found.notes()[0].text.count("The parcel was lost.") == 1


async def test_who_has_the_conversation_is_said() -> None:
    """A copy does not offer what a person is in the middle of."""
    async with board() as found:
        name = await found.stopped()
        await found.town.person("maria").take_over(name)
        await found.town.settle()

    assert "Maria Lopez has the conversation." in found.edits()[-1].text


# --- every copy tells the truth ------------------------------------------------------------------


@pytest.mark.promise("every-copy-tells-the-truth")
async def test_every_copy_says_who_decided() -> None:
    """Whoever looks at an old letter sees that it is over, and by whom."""
    async with board() as found:
        name = await found.stopped()
        await found.town.turn(11 * MINUTE)
        await found.town.person("tom").approve(name)
        await found.town.settle()

        texts = {each.reference: each.text for each in found.edits()}
        assert set(texts) == {"note-1", "note-2"}
        assert all("Tom Ode approved it at 12:11." in text for text in texts.values())
        assert [each.buttons for each in found.edits()[-2:]] == [(), ()]
        told = [each.detail for each in await found.receipts(name)]
        assert any("says now: Tom Ode approved it at 12:11." in each for each in told)


async def test_a_copy_that_is_edited_needs_no_second_letter() -> None:
    """ "No longer yours" stands where the question stood; nobody is disturbed for it."""
    async with board() as found:
        await found.stopped()
        await found.town.turn(11 * MINUTE)

    assert len(found.notes()) == 2
    assert "Tom Ode is being asked" in found.edits()[0].text
    assert found.edits()[0].buttons == ()


async def test_who_has_no_copy_is_told_by_a_letter() -> None:
    """A channel that cannot edit says it in a new one."""
    async with board(more={"webhook": Pigeons()}) as found:
        pigeons = found.town.house.courier.channels["webhook"]
        assert isinstance(pigeons, Pigeons)
        await found.stopped()
        await found.town.turn(11 * MINUTE)

        assert "person:maria" in pigeons.told("stood_down")


async def test_an_edit_is_tried_again_until_it_holds() -> None:
    """A provider that is down for a moment must not leave a lie standing."""
    async with board() as found:
        name = await found.stopped()
        found.double.faults(Fault.BUSY)
        await found.town.person("maria").approve(name)
        await found.town.settle()
        before = len(found.edits())
        await found.town.turn(timedelta(seconds=5))

        assert (before, len(found.edits())) == (0, 1)
        assert (await found.copies(name))[0].version == (
            await found.town.row(name)
        ).escalation.version


async def test_an_edit_that_can_never_hold_is_given_up() -> None:
    """Somebody took the note down: it says nothing wrong any more."""
    async with board() as found:
        name = await found.stopped()
        found.double.faults(Fault.GONE)
        await found.town.person("maria").approve(name)
        await found.town.settle()
        await found.town.turn(timedelta(hours=1))

        assert found.edits() == []
        assert ("paper", ReceiptState.FAILED) in await states(found, name)
        assert (await found.town.row(name)).escalation.owner == "maria"


async def test_a_copy_of_a_channel_that_was_taken_away_is_let_be() -> None:
    """A restart with other settings edits nothing it cannot reach."""
    async with board() as found:
        name = await found.stopped()
        del found.town.house.courier.channels["paper"]  # type: ignore[attr-defined]

        await found.town.person("maria").approve(name)
        await found.town.settle()

        assert found.edits() == []
        assert await found.town.house.store.unedited_since(found.town.clock.now()) is None


async def test_an_edit_that_found_no_seat_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel too busy to listen gets it with the next lease."""
    async with board() as found:
        name = await found.stopped()
        monkeypatch.setattr(courier, "WAITING_MAX", 0)
        await found.town.person("maria").approve(name)
        await found.town.settle()
        before = len(found.edits())
        monkeypatch.setattr(courier, "WAITING_MAX", 10)
        await found.town.turn(courier.LEASE)
        found.town.clock.turn(courier.LEASE)
        await found.town.settle()

        assert (before, len(found.edits())) == (0, 1)


async def test_an_edit_the_store_refuses_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease brings it back; nobody else waits for it."""
    async with board() as found:
        name = await found.stopped()
        store = found.town.house.store
        settle = store.settle_copy

        async def busy(*_: object, **__: object) -> None:
            raise StoreBusy("the disk is slow; try again.")

        monkeypatch.setattr(store, "settle_copy", busy)
        await found.town.person("maria").approve(name)
        await found.town.settle()
        monkeypatch.setattr(store, "settle_copy", settle)
        await found.town.turn(courier.LEASE)

        shown = (await found.copies(name))[0].version
        assert shown == (await found.town.row(name)).escalation.version


# --- noise ---------------------------------------------------------------------------------------


async def test_news_of_many_escalations_is_one_letter() -> None:
    """Ten answered questions are one letter, not ten."""
    can = replace(PaperChannel.can, has_threads=False, found_by=FoundBy.LINK)
    async with board(can=can, policy=SLOW) as found:
        names = [await found.stopped(f"k{n}", run=f"run-{n}") for n in range(3)]
        first = len(found.notes())
        for name in names:
            await found.town.person("maria").accept(name)
            await found.town.house.desk.act(
                "shop", name, END_USER, wire.ContextIn(text="More."), via="link"
            )
        await found.town.turn(timedelta(seconds=31))

        (bundle,) = found.notes()[first:]
        assert "3 escalations" in bundle.text
        assert all(f"/escalations/{name}" in bundle.text for name in names)
        for name in names:
            merged = [each.detail for each in await found.receipts(name)]
            assert any("one of 3 in bundle_" in each for each in merged)


@pytest.mark.promise("first-letter-never-held")
async def test_the_first_letter_of_an_escalation_is_never_merged() -> None:
    """Ten new questions are ten letters, each with its own buttons."""
    async with board() as found:
        for n in range(3):
            opened = await found.town.house.desk.open(found.key, refund_of(f"k{n}"))
            assert opened.is_new
        await found.town.settle()

    assert len(found.notes()) == 3
    assert all(each.buttons for each in found.notes())


async def test_after_an_outage_of_ours_there_is_one_letter_a_person_the_worst_first() -> None:
    """Nobody wants forty letters in the minute the engine is back."""
    async with board(policy=SLOW) as found:
        names = []
        for n, amount in enumerate((480.0, 490.0)):
            request = wire.OpenIn(
                key=f"k{n}", tool="issue_refund", args={"order": "H-1", "amount": amount}
            )
            opened = await found.town.house.desk.open(found.key, request)
            assert opened.row is not None
            names.append(opened.row.escalation.id)
        found.town.clock.turn(3 * MINUTE)
        await found.town.settle()

        (note,) = found.notes()
        assert "2 escalations: 2 need you" in note.text
        assert note.text.index(names[0]) < note.text.index(names[1])
        assert note.buttons == ()
        told = [await states(found, each) for each in names]
        assert [each.count(("paper", ReceiptState.ACCEPTED)) for each in told] == [1, 1]


async def test_after_an_outage_of_the_provider_there_is_one_letter_a_person() -> None:
    """Nobody wants forty letters in the minute the mail server is back."""
    async with board(policy=SLOW) as found:
        found.double.faults(*([Fault.BUSY] * 10))
        names = [await found.stopped(f"k{n}", run=f"run-{n}") for n in range(3)]
        for _ in range(12):
            await found.town.turn(MINUTE)

        (note,) = found.notes()
        assert "3 escalations: 3 need you" in note.text
        told = [await states(found, each) for each in names]
        assert [each.count(("paper", ReceiptState.ACCEPTED)) for each in told] == [1, 1, 1]


async def test_a_declared_rate_delays_and_loses_nothing() -> None:
    """What a provider would refuse waits; what asks somebody never does."""
    can = replace(
        PaperChannel.can,
        rates=(Rate(1, timedelta(minutes=3)), Rate(9, timedelta(hours=1))),
        bundles_for=timedelta(0),
    )
    async with board(can=can, policy=SLOW) as found:
        name = await found.stopped()
        await found.stopped("k2", run="run-2")
        asked = len(found.notes())
        await found.town.person("maria").accept(name)
        await found.town.house.desk.act(
            "shop", name, END_USER, wire.ContextIn(text="More."), via="link"
        )
        await found.town.settle()
        held = len(found.notes())
        found.town.clock.turn(timedelta(minutes=3))
        await found.town.settle()

        assert (asked, held, len(found.notes())) == (2, 2, 3)


async def test_a_failed_way_hastens_the_next() -> None:
    """The call of five minutes later comes now, because the push came back."""
    voice = Pigeons(GOOD, name="voice")
    voice.can = Abilities(wakes=True, found_by=FoundBy.EMAIL, only_asks=True)
    async with board(more={"voice": voice}) as found:
        await found.reached("maria", steps=(ReachStep("paper"), ReachStep("voice", 5 * MINUTE)))
        found.double.faults(Fault.GONE)

        name = await found.stopped()

        assert voice.told() == ["person:maria"]
        assert (await found.town.row(name)).escalation.owner == "maria"
        (copy,) = await found.copies(name)
        assert copy.wakes


async def test_the_call_comes_when_nobody_said_anything() -> None:
    """Slack first, the phone after five minutes, and not when it was answered meanwhile."""
    voice = Pigeons(GOOD, name="voice")
    voice.can = Abilities(wakes=True, found_by=FoundBy.EMAIL, only_asks=True)
    async with board(more={"voice": voice}, policy=SLOW) as found:
        await found.reached("maria", steps=(ReachStep("paper"), ReachStep("voice", 5 * MINUTE)))
        await found.stopped()
        before = voice.told()
        found.town.clock.turn(5 * MINUTE)
        await found.town.settle()
        rung = voice.told()
        second = await found.stopped("k2", run="run-2")
        await found.town.person("maria").accept(second)
        found.town.clock.turn(5 * MINUTE)
        await found.town.settle()

        assert (before, rung, voice.told()) == ([], ["person:maria"], ["person:maria"])


@pytest.mark.promise("tried-is-reached-or-failed")
async def test_when_all_ways_failed_the_ladder_goes_on() -> None:
    """Tried is what was delivered, or what failed on every way."""
    voice = Pigeons(GONE, GOOD, name="voice")
    voice.can = Abilities(wakes=True, found_by=FoundBy.EMAIL, only_asks=True)
    async with board(more={"voice": voice}, linked=("maria",)) as found:
        await found.reached("maria", steps=(ReachStep("paper"), ReachStep("voice", 5 * MINUTE)))
        found.double.faults(Fault.GONE)

        name = await found.stopped()

        assert (await found.town.row(name)).escalation.owner == "tom"
        kinds = [each.kind for each in await found.town.timeline(name)]
        assert "not_reached" in kinds


async def test_several_devices_get_a_copy_each() -> None:
    """The phone and the laptop; either will do."""
    async with board() as found:
        await found.link("maria", "maria-2")

        name = await found.stopped()

        assert [each.id.rpartition(".")[2] for each in await found.copies(name)] == [
            "paper",
            "paper-2",
        ]


async def test_nobody_is_reached_on_an_account_of_somebody_inactive() -> None:
    """Who left the company gets no customer's name any more."""
    async with board(more={"webhook": Pigeons()}) as found:
        office = found.town.house.office
        people = await office.people("shop")
        await office.put_person("shop", replace(people["maria"], is_active=False), by="dana")

        await found.stopped()

        assert ["Tom Ode is being asked" in each.text for each in found.notes()] == [True]
