"""What comes back from channels: the same desk, the same rights, and an answer for everybody."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from pullcord.channels.console import ConsoleChannel
from pullcord.channels.port import Abilities, Coded, FoundBy, Pressed, Verb
from pullcord.engine.actions import Action
from pullcord.engine.inbound import HELP
from pullcord.errors import NotAllowed, NotFound, StaleView, StoreBusy
from pullcord.path.escalation import DecisionKind, Status
from pullcord.store.receipts import ReceiptState
from tests.conformance.channels.double import Flaw
from tests.unit.engine.board import URL, Board, board
from tests.unit.engine.pigeons import GOOD, Pigeons

MINUTE = timedelta(minutes=1)


async def buttons(found: Board, *, note: int = 0) -> dict[Verb, str]:
    """The buttons of a note by what they do."""
    actions = found.town.house.inbound._actions
    tokens = found.notes()[note].buttons
    read = {token: actions.read(token) for token in tokens}
    return {action.verb: token for token, action in read.items() if action is not None}


async def state(found: Board, name: str) -> Status:
    return (await found.town.row(name)).escalation.status


# --- buttons -------------------------------------------------------------------------------------


async def test_a_button_accepts_for_whoever_the_account_is() -> None:
    """ "I have it" from the lock screen, as good as from the page."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.presses((await buttons(found))[Verb.ACCEPT])

        assert (answer.text, answer.is_done, answer.escalation) == ("You have it.", True, name)
        assert await state(found, name) is Status.ACCEPTED
        assert (await found.town.row(name)).escalation.owner == "maria"


async def test_not_me_asks_the_next_at_once() -> None:
    """Nobody waits for a person who has said no."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.presses((await buttons(found))[Verb.DECLINE])

        assert answer.is_done
        assert (await found.town.row(name)).escalation.owner == "tom"


@pytest.mark.parametrize(
    ("verb", "kind"), [(Verb.APPROVE, DecisionKind.APPROVE), (Verb.REJECT, DecisionKind.REJECT)]
)
async def test_a_linked_person_decides_from_a_letter_that_showed_all(
    verb: Verb, kind: DecisionKind
) -> None:
    """The decision carries who it was and by which way."""
    async with board() as found:
        name = await found.stopped()

        await found.presses((await buttons(found))[verb], note="seen the invoice")

        decision = (await found.town.row(name)).escalation.decision
        assert decision is not None
        assert (decision.kind, decision.by, decision.via) == (kind, "maria", "paper")
        content = await found.town.house.contents.one("shop", name, decision.content)
        assert content["note"] == "seen the invoice"


async def test_a_second_press_changes_nothing() -> None:
    """Providers repeat, people double-click."""
    async with board() as found:
        name = await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        await found.presses(accept)
        version = (await found.town.row(name)).escalation.version

        again = await found.presses(accept)

        assert again.text == "You have it."
        assert (await found.town.row(name)).escalation.version == version


async def test_who_comes_second_hears_who_was_first() -> None:
    """Not "an error": a name and a time."""
    async with board() as found:
        name = await found.stopped()
        decline, approve = (
            (await buttons(found))[Verb.DECLINE],
            (await buttons(found))[Verb.APPROVE],
        )
        await found.town.person("maria").approve(name)

        late = await found.presses(approve)
        later = await found.presses(decline)

        assert late.text == later.text
        assert late.text.startswith("Maria Lopez approved it at 12:00.")
        assert not late.is_done


@pytest.mark.promise("every-copy-tells-the-truth")
async def test_a_button_of_an_earlier_ask_does_nothing() -> None:
    """Asked again is another question, with another button."""
    async with board() as found:
        name = await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        await found.town.turn(11 * MINUTE)

        answer = await found.presses(accept)

        assert not answer.is_done
        assert await state(found, name) is Status.OPEN


async def test_a_button_is_its_persons_only() -> None:
    """A forwarded letter gives nobody a right."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.presses((await buttons(found))[Verb.ACCEPT], account="tom-1")

        assert "somebody else" in answer.text
        assert await state(found, name) is Status.OPEN


async def test_a_stranger_is_told_how_to_become_known() -> None:
    """And nothing is done, whatever name the account shows."""
    async with board() as found:
        name = await found.stopped()

        answer = await found.presses((await buttons(found))[Verb.ACCEPT], account="mallory-1")

        assert f"{URL}/channels" in answer.text
        assert "Anna" not in answer.text
        assert await state(found, name) is Status.OPEN


async def test_a_deactivated_person_is_a_stranger() -> None:
    """Who left may keep the phone, not the right."""
    async with board() as found:
        name = await found.stopped()
        office = found.town.house.office
        someone = (await office.people("shop"))["maria"]
        await office.put_person("shop", replace(someone, is_active=False), by="dana")

        answer = await found.presses((await buttons(found))[Verb.ACCEPT])

        assert not answer.is_done
        assert await state(found, name) is Status.OPEN


@pytest.mark.parametrize("token", ["", "forged", "A" * 5_000])
async def test_a_forged_button_is_not_known(token: str) -> None:
    """Anybody may send anything."""
    async with board() as found:
        await found.stopped()

        assert (await found.presses(token)).text == "this button is not known."


async def test_a_button_whose_time_is_over_says_so() -> None:
    """Two hours later the question was answered by rule."""
    async with board() as found:
        await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        found.town.clock.turn(timedelta(hours=2))

        assert "too old" in (await found.presses(accept)).text


async def test_not_me_after_the_end_says_that_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Declining what was taken back meanwhile is no news."""
    async with board() as found:
        name = await found.stopped()
        decline = (await buttons(found))[Verb.DECLINE]
        await found.town.person("maria").approve(name)
        row = await found.town.row(name)

        async def unchanged(*_: object, **__: object) -> object:
            return row

        monkeypatch.setattr(found.town.house.desk, "act", unchanged)

        assert (await found.presses(decline)).text == "It has ended already."


async def test_a_busy_store_asks_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing internal reaches a chat, and nothing is lost by pressing twice."""
    async with board() as found:
        await found.stopped()

        async def busy(*_: object, **__: object) -> None:
            raise StoreBusy("disk 7 is on fire")

        monkeypatch.setattr(found.town.house.desk, "act", busy)
        answer = await found.presses((await buttons(found))[Verb.ACCEPT])

        assert answer.text == "It could not be saved just now; please try again."


async def test_a_channel_that_may_not_decide_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone number is no sign-in."""
    async with board() as found:
        name = await found.stopped()
        approve = (await buttons(found))[Verb.APPROVE]
        channel = found.town.house.courier.channels["paper"]
        monkeypatch.setattr(channel, "can", replace(channel.can, decides=False))

        answer = await found.presses(approve)

        assert "open it and sign in" in answer.text
        assert await state(found, name) is Status.OPEN


async def test_in_a_shared_room_whoever_presses_is_looked_at() -> None:
    """The desk decides: a candidate may, a stranger may not."""
    can = Abilities(has_buttons=True, found_by=FoundBy.EVERYBODY)
    async with board(can=can) as found:
        name = await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]

        tom = await found.presses(accept, account="tom-1")
        maria = await found.presses(accept)

        assert not tom.is_done
        assert maria.is_done
        assert (await found.town.row(name)).escalation.owner == "maria"


# --- links in letters ----------------------------------------------------------------------------


async def test_looking_at_a_link_does_nothing_and_following_it_acts_once() -> None:
    """A scanner looks; a person presses."""
    async with board() as found:
        name = await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        inbound = found.town.house.inbound

        behind = await inbound.offered(accept)
        looked = await state(found, name)
        answer = await inbound.follow(accept)

        assert (behind.action.verb, behind.row.escalation.id) == (Verb.ACCEPT, name)
        assert behind.is_now
        assert looked is Status.OPEN
        assert answer.is_done
        assert await state(found, name) is Status.ACCEPTED


async def test_a_link_never_decides() -> None:
    """Whoever holds a link holds one small right."""
    async with board() as found:
        await found.stopped()
        approve = (await buttons(found))[Verb.APPROVE]

        with pytest.raises(NotFound):
            await found.town.house.inbound.follow(approve)


async def test_a_link_of_nobody_or_of_nothing_is_not_known() -> None:
    """A room's button is no link, and an erased escalation has none."""
    async with board() as found:
        await found.stopped()
        inbound = found.town.house.inbound
        action = (await inbound.offered((await buttons(found))[Verb.ACCEPT])).action

        for changed in (replace(action, person=""), replace(action, escalation="esc_0")):
            with pytest.raises(NotFound):
                await inbound.offered(inbound._actions.token(changed))


async def test_a_link_of_somebody_inactive_is_refused() -> None:
    """Old letters are no key to the house."""
    async with board() as found:
        await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        office = found.town.house.office
        someone = (await office.people("shop"))["maria"]
        await office.put_person("shop", replace(someone, is_active=False), by="dana")

        with pytest.raises(NotAllowed):
            await found.town.house.inbound.follow(accept)


async def test_an_old_link_says_that_it_is_old() -> None:
    """Yesterday's letter is a record, not a remote control; looking at it tells who decided."""
    async with board() as found:
        name = await found.stopped()
        accept = (await buttons(found))[Verb.ACCEPT]
        await found.town.person("maria").approve(name)
        found.town.clock.turn(timedelta(days=1))
        inbound = found.town.house.inbound

        with pytest.raises(StaleView):
            await inbound.follow(accept)
        behind = await inbound.offered(accept)

        assert not behind.is_now
        assert "Maria Lopez approved it at yesterday 12:00." in behind.standing


# --- codes, words, commands ----------------------------------------------------------------------


def phone(name: str = "sms") -> Pigeons:
    """A way to phones."""
    found = Pigeons(GOOD, name=name)
    found.can = Abilities(wakes=True, found_by=FoundBy.PHONE)
    return found


POLICY_WITH_PHONES = """
workspace: shop
people:
  maria: {name: Maria Lopez, email: maria@example.com, phone: "+49 151 0001"}
  tom: {name: Tom Ode, email: tom@example.com, phone: "+49 151 0002"}
  dana: {name: Dana Weiss, email: dana@example.com, role: lead, phone: "+49 151 0003"}
  twin: {name: Twin, email: twin@example.com, phone: "+49 151 0003"}
ladders:
  billing: {rungs: [{ask: person/maria, accept_within: 10m, wake: true}], catch_all: person/dana}
agents: {support: {ladder: billing, contact: tom}}
tools: {issue_refund: {money: args.amount}}
rules: [{id: refund-over-limit, tool: issue_refund, when: args.amount > 250}]
"""


async def coded(
    found: Board, code: str, *, account: str = "+491510001", verb: str = "accept"
) -> str:
    (answer,) = await found.town.house.inbound.take("sms", [Coded(account, code, Verb(verb))])
    return answer.text


async def test_a_code_from_ones_own_number_accepts() -> None:
    """Typed in whatever case, at night, without opening anything."""
    sms = phone()
    async with board(policy=POLICY_WITH_PHONES, more={"sms": sms}, linked=()) as found:
        name = await found.stopped()
        (letter,) = [each for each in sms.letters if each.kind == "asked"]

        assert await coded(found, letter.code, account="+491510002") == (
            "Nothing with this code waits for you."
        )
        assert "do not know" in await coded(found, letter.code, account="+491519999")
        assert "Nothing with this code" in await coded(found, "00000")
        assert "sign in" in await coded(found, letter.code, verb="approve")
        assert await coded(found, f" {letter.code.lower()} ") == "You have it."
        assert await state(found, name) is Status.ACCEPTED


async def test_a_code_that_comes_too_late_is_told_who_was_first() -> None:
    """ "Y 7KQ2M" from the night, read in the morning."""
    policy = POLICY_WITH_PHONES.replace(
        "agents:", "teams: {desk: {members: [maria, tom]}}\nagents:"
    )
    policy = policy.replace("ask: person/maria", "ask: team/desk")
    sms = phone()
    async with board(policy=policy, more={"sms": sms}, linked=()) as found:
        name = await found.stopped()
        codes = {each.to: each.code for each in sms.letters if each.kind == "asked"}

        await coded(found, codes["person:maria"])
        held = await coded(found, codes["person:tom"], account="+491510002")
        await found.town.person("maria").approve(name)
        decided = await coded(found, codes["person:tom"], account="+491510002")

        assert held.startswith("Maria Lopez has it until")
        assert decided.startswith("Maria Lopez approved it")
        assert decided.endswith("Nothing of yours was done.")
        assert (await found.town.row(name)).escalation.owner == "maria"


async def test_a_number_two_people_have_names_nobody() -> None:
    """Identity that is shared is none."""
    async with board(policy=POLICY_WITH_PHONES, more={"sms": phone()}, linked=()) as found:
        await found.stopped()

        assert "do not know" in await coded(found, "AAAAA", account="+491510003")
        assert "do not know" in await coded(found, "AAAAA", account="")


async def test_commands_are_for_the_linked() -> None:
    """Who is on call is nobody else's business."""
    async with board() as found:
        name = await found.stopped()

        async def says(words: str, account: str = "maria-1") -> str:
            return (await found.tells(kind="commanded", account=account, words=words)).text

        assert "do not know" in await says("on-call", "mallory-1")
        assert "billing: Maria Lopez" in await says(" ON-CALL ")
        assert await says("help") == HELP
        assert await says("accept ") == HELP
        assert "no escalation 'esc_0'" in await says("accept esc_0")
        assert await says(f"accept {name}") == "You have it."
        assert await state(found, name) is Status.ACCEPTED


# --- receipts ------------------------------------------------------------------------------------


async def test_a_late_receipt_is_shown_beside_the_timeline() -> None:
    """ "Sent" becomes "delivered" when somebody proves it, once."""
    async with board() as found:
        name = await found.stopped()
        for _ in range(2):
            answer = await found.tells(kind="learned", reference="note-1", outcome="delivered")
            assert answer.is_done

        states = [each.state for each in await found.receipts(name)]
        assert states == [ReceiptState.ACCEPTED, ReceiptState.DELIVERED]


async def test_a_letter_that_came_back_moves_the_ladder() -> None:
    """The provider took it and then found nobody: that is not reached."""
    async with board() as found:
        name = await found.stopped()

        await found.tells(
            kind="learned", reference="note-1", outcome="failed", detail="no such reader"
        )

        assert (await found.town.row(name)).escalation.owner == "tom"


async def test_a_letter_that_came_back_moves_nothing_where_another_way_reached() -> None:
    """The console holds it too."""
    async with board(more={"console": ConsoleChannel()}) as found:
        name = await found.stopped()

        await found.tells(kind="learned", reference="note-1", outcome="failed")

        assert (await found.town.row(name)).escalation.owner == "maria"


async def test_a_receipt_of_nothing_we_sent_is_let_be() -> None:
    """Other people's messages go through the same provider."""
    async with board() as found:
        assert not (
            await found.tells(kind="learned", reference="note-9", outcome="delivered")
        ).is_done


# --- over the wire -------------------------------------------------------------------------------


async def called(
    found: Board, token: str, *, channel: str = "paper", flaw: Flaw = Flaw.NONE
) -> str:
    """A callback as the provider sends it, and what it is answered."""
    callback = found.double.calls(
        {"kind": "pressed", "account": "maria-1", "token": token},
        at=found.town.clock.now(),
        flaw=flaw,
    )
    reply = await found.town.house.inbound.called(
        channel,
        method=callback.method,
        url=callback.url,
        query=callback.query,
        headers=callback.headers,
        body=callback.body,
    )
    (text,) = json.loads(reply.body)
    return str(text)


async def test_a_signed_callback_acts_and_is_answered() -> None:
    """The whole way from the provider to the desk and back."""
    async with board() as found:
        name = await found.stopped()

        assert await called(found, (await buttons(found))[Verb.ACCEPT]) == "You have it."
        assert await state(found, name) is Status.ACCEPTED


@pytest.mark.parametrize("flaw", [each for each in Flaw if each is not Flaw.NONE])
@pytest.mark.promise("callbacks-are-proven")
async def test_a_callback_that_is_not_signed_as_it_must_be_is_refused(flaw: Flaw) -> None:
    """And nothing in it is done."""
    async with board() as found:
        name = await found.stopped()

        with pytest.raises(NotAllowed):
            await called(found, (await buttons(found))[Verb.ACCEPT], flaw=flaw)
        assert await state(found, name) is Status.OPEN


@pytest.mark.parametrize("channel", ["nothing", "console"])
async def test_only_channels_that_hear_are_called(channel: str) -> None:
    """No route leads to a channel that takes no callbacks."""
    async with board(more={"console": ConsoleChannel()}) as found:
        await found.stopped()

        with pytest.raises(NotFound):
            await called(found, "x", channel=channel)


async def test_a_channel_that_listens_hands_its_events_on() -> None:
    """Socket or callback: the same way in."""
    async with board() as found:
        name = await found.stopped()
        take = found.town.house.inbound.taker("paper")

        (answer,) = await take([Pressed("maria-1", (await buttons(found))[Verb.ACCEPT])])

        assert answer.is_done
        assert await state(found, name) is Status.ACCEPTED


async def test_an_action_bound_elsewhere_finds_nobody() -> None:
    """A token of another workspace of this house names other people."""
    async with board() as found:
        name = await found.stopped()
        inbound = found.town.house.inbound
        until = found.town.clock.now() + timedelta(hours=1)
        token = inbound._actions.token(Action("other", name, 1, Verb.ACCEPT, "maria", until))

        assert "do not know" in (await found.presses(token)).text
