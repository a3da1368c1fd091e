"""Slack in a running house: asked, answered and corrected there, whoever is first."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pullcord.channels.port import Reply
from pullcord.channels.slack.channel import LiveSlackChannel
from pullcord.errors import NotAllowed
from pullcord.path.escalation import Actor, ActorKind, DecisionKind, Status
from pullcord.wire import requests as wire
from tests.conformance.channels.double import Flaw
from tests.conformance.channels.slack_double import TEAM, SlackDouble
from tests.conformance.channels.slack_kit import elements_of, words_of
from tests.unit.engine.board import Board, board
from tests.unit.engine.counter import POLICY

#: both are asked at once
BOTH = POLICY.replace("ask: person/maria", "ask: team/desk").replace(
    "agents:", "teams:\n  desk: {members: [maria, tom]}\nagents:", 1
)


@dataclass(slots=True)
class Office:
    """A shop whose people are on Slack and on paper."""

    found: Board
    slack: SlackDouble
    channel: LiveSlackChannel

    async def stopped(self, **more: Any) -> str:
        return await self.found.stopped(**more)

    async def status(self, name: str) -> Status:
        return (await self.found.town.row(name)).escalation.status

    def message(self, number: int = 0) -> dict[str, Any]:
        """A message as it reads now."""
        return list(self.slack.messages.values())[number]

    def words(self, number: int = 0) -> str:
        return words_of(self.message(number)["blocks"])

    def place(self, number: int = 0) -> str:
        return list(self.slack.messages)[number]

    def button(self, label: str, number: int = 0) -> dict[str, Any]:
        """A button of a message by what it says."""
        elements = elements_of(self.message(number)["blocks"])
        return next(dict(each) for each in elements if each["text"]["text"] == label)

    async def presses(self, label: str, *, user: str = "U1MARIA", number: int = 0) -> None:
        """Somebody presses a button, over HTTP as Slack sends it."""
        button = self.button(label, number)
        how = button["action_id"].partition(":")[0]
        payload = self.slack.pressed(button["value"], user=user, how=how, place=self.place(number))
        await self.calls("interactive", payload)

    async def sends(self, view: dict[str, Any], **values: str) -> dict[str, Any]:
        """Somebody sends a modal; what Slack is answered."""
        return await self.calls("interactive", self.slack.filled(view, **values))

    async def calls(self, source: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Slack calls back, and everything that follows is done."""
        callback = self.slack.calls(source, payload, at=self.found.town.clock.now())
        reply: Reply = await self.found.town.house.inbound.called(
            "slack",
            method="POST",
            url=callback.url,
            query="",
            headers=callback.headers,
            body=callback.body,
        )
        await self.channel.rest()
        await self.found.town.settle()
        found: dict[str, Any] = json.loads(reply.body) if reply.body else {}
        return found


@asynccontextmanager
async def office(*, policy: str = POLICY, linked: bool = True) -> AsyncIterator[Office]:
    async with SlackDouble.opened() as slack:
        channel = slack.channel()
        async with board(more={"slack": channel}, policy=policy, linked=()) as found:
            linking = found.town.house.linking
            for who, user in (("maria", "U1MARIA"), ("tom", "U2TOM")) if linked else ():
                await linking.put(
                    "shop", who, "slack", account=f"{TEAM}/{user}", name=who, address=user
                )
            yield Office(found, slack, channel)


# --- asked and answered ---------------------------------------------------------------------------


async def test_maria_is_asked_in_her_own_messages_and_has_it() -> None:
    """One press, no other window, and the message says so at once."""
    async with office() as shop:
        name = await shop.stopped()
        asked = shop.words()

        await shop.presses("I have it")

        assert "An escalation needs you" in asked
        assert "EUR 480.00" in asked
        assert f"/escalations/{name}" in asked
        assert await shop.status(name) is Status.ACCEPTED
        assert "Maria Lopez has it until" in shop.words()
        assert shop.slack.whispers[-1].text == "You have it."
        assert shop.slack.whispers[-1].user == "U1MARIA"


async def test_not_me_asks_the_next_person_in_their_messages() -> None:
    """Maria's message loses its buttons, Tom's has them."""
    async with office() as shop:
        await shop.stopped()

        await shop.presses("Not me")

        labels = [
            [each["text"]["text"] for each in elements_of(message["blocks"])]
            for message in shop.slack.messages.values()
        ]
        assert labels[0] == []
        assert "I have it" in labels[1]
        assert "Tom Ode is being asked" in shop.words(0)


async def test_what_cannot_be_undone_is_confirmed_by_slack_before_it_reaches_us() -> None:
    """Slack asks once more; the press comes only then."""
    async with office() as shop:
        name = await shop.stopped()
        confirm = shop.button("Approve")["confirm"]

        await shop.presses("Approve")

        assert "This cannot be undone." in confirm["text"]["text"]
        assert "EUR 480.00" in confirm["text"]["text"]
        assert await shop.status(name) is Status.DECIDED
        assert "Maria Lopez approved it" in shop.words()
        assert list(elements_of(shop.message()["blocks"])) == []


async def test_a_rejection_takes_a_reason_in_a_modal() -> None:
    """What is wrong is said beside the input; what is right closes the modal."""
    async with office() as shop:
        name = await shop.stopped()
        await shop.presses("Reject")
        (view,) = shop.slack.views

        short = await shop.sends(view, note="no")
        good = await shop.sends(view, note="It was paid back in March.")

        assert short["response_action"] == "errors"
        assert "Say why" in short["errors"]["note"]
        assert good == {"response_action": "clear"}
        assert "Maria Lopez decided against it" in shop.words()
        assert await shop.status(name) is Status.DECIDED


@pytest.mark.promise("decided-in-the-message")
async def test_changed_arguments_are_typed_inputs() -> None:
    """A person changes what runs without leaving Slack, and nothing but what they changed."""
    async with office() as shop:
        name = await shop.stopped()
        await shop.presses("Approve with changes")
        (view,) = shop.slack.views

        wrong = await shop.sends(view, arg__amount="99999999999999999")
        denied = await shop.sends(view, arg__amount="-1")
        right = await shop.sends(view, arg__amount="240.5", note="Half is enough.")

        elements = {
            each["block_id"]: each["element"] for each in view["blocks"] if "element" in each
        }
        assert elements["arg.amount"]["type"] == "number_input"
        assert elements["arg.amount"]["initial_value"] == "480"
        assert "15 digits" in wrong["errors"]["arg.amount"]
        assert "no rule refuses" in denied["errors"]["note"]
        assert right == {"response_action": "clear"}
        decision = (await shop.found.town.row(name)).escalation.decision
        assert decision is not None
        assert decision.kind is DecisionKind.EDIT
        content = await shop.found.town.house.contents.one("shop", name, decision.content)
        assert content["args"] == {"order": "H-1", "amount": 240.5}


async def test_an_option_is_chosen_by_its_button() -> None:
    """One press each."""
    ask = wire.AskIn(
        kind="choose",
        question="Which way?",
        options=[
            wire.OptionIn(id="post", label="By post", consequence="Takes a week."),
            wire.OptionIn(id="courier", label="By courier", is_safe=True),
        ],
    )
    async with office() as shop:
        name = await shop.stopped(tool="", args={}, ask=ask)

        await shop.presses("By courier")

        assert await shop.status(name) is Status.DECIDED


async def test_the_owner_asks_the_agent_and_hears_the_answer_in_the_thread() -> None:
    """The question, the reply and the decision stand together."""
    async with office() as shop:
        name = await shop.stopped()
        await shop.presses("I have it")
        await shop.presses("Ask a question")
        (view,) = shop.slack.views
        asked = await shop.sends(view, text="Which order?")
        question = (await shop.found.town.row(name)).escalation.question
        assert question is not None
        reply = wire.ReplyIn(question=question.id, text="H-1 <!channel>, of course.")
        key = shop.found.key

        await shop.found.town.house.desk.act(
            "shop", name, Actor(ActorKind.AGENT, key.agent), reply, via="api", agent_key=key.id
        )
        await shop.found.town.turn(timedelta(seconds=31))

        assert asked == {"response_action": "clear"}
        first, answered = list(shop.slack.messages.values())[:2]
        assert answered["thread_ts"] == shop.place(0).partition("/")[2]
        assert "H-1 <!channel>, of course." in words_of(answered["blocks"])
        assert shop.slack.pings == []
        assert first["channel"] == answered["channel"]


async def test_a_reply_in_the_thread_is_a_note_for_colleagues() -> None:
    """It decides nothing, and is kept once however often Slack tells it."""
    async with office() as shop:
        name = await shop.stopped()
        stamp = shop.place().partition("/")[2]
        payload = shop.slack.wrote("Ask &lt;Tom&gt;, see <https://x.example|x>", thread=stamp)

        await shop.calls("events_api", payload)
        await shop.calls("events_api", payload)

        kinds = [each.kind for each in await shop.found.town.timeline(name)]
        assert kinds.count("commented") == 1
        view = await shop.found.town.house.views.detail("shop", "maria", name)
        assert view.notes[-1].text == "Ask <Tom>, see https://x.example"
        assert await shop.status(name) is Status.OPEN
        assert shop.slack.whispers[-1].thread == stamp


# --- whoever is first -----------------------------------------------------------------------------


@pytest.mark.promise("first-press-wins")
async def test_two_who_press_in_the_same_second_are_told_apart() -> None:
    """One decides, the other is told who did, privately and in the message."""
    async with office(policy=BOTH) as shop:
        name = await shop.stopped()
        values = [shop.button("Approve", number)["value"] for number in (0, 1)]
        presses = [
            shop.slack.pressed(value, user=user, place=shop.place(number))
            for number, (value, user) in enumerate(zip(values, ("U1MARIA", "U2TOM"), strict=True))
        ]

        await asyncio.gather(*(shop.calls("interactive", each) for each in presses))

        assert await shop.status(name) is Status.DECIDED
        said = sorted(each.text for each in shop.slack.whispers)
        assert said[0].startswith("Approved.")
        assert "approved it" in said[1]
        assert said[1].endswith("Nothing of yours was done.")
        assert all("approved it at" in shop.words(number) for number in (0, 1))


async def test_a_press_after_the_decision_names_who_decided() -> None:
    """An old message on a phone without signal."""
    async with office(policy=BOTH) as shop:
        name = await shop.stopped()
        late = shop.slack.pressed(shop.button("Reject", 1)["value"], user="U2TOM", how="form")
        form = shop.slack.pressed(shop.button("Reject", 1)["value"], user="U2TOM", how="form")
        await shop.calls("interactive", form)
        (view,) = shop.slack.views
        await shop.presses("Approve")

        await shop.calls("interactive", late)
        sent = await shop.calls("interactive", shop.slack.filled(view, user="U2TOM", note="Never."))

        assert await shop.status(name) is Status.DECIDED
        assert "Maria Lopez approved it" in shop.slack.whispers[-1].text
        assert sent["response_action"] == "update"
        assert "Maria Lopez approved it" in words_of(sent["view"]["blocks"])


@pytest.mark.promise("callbacks-are-proven")
async def test_a_stranger_is_told_privately_how_to_link_and_does_nothing() -> None:
    """Whoever stands in the room."""
    async with office() as shop:
        name = await shop.stopped()

        await shop.presses("Approve", user="U3DANA")

        assert await shop.status(name) is Status.OPEN
        whisper = shop.slack.whispers[-1]
        assert whisper.user == "U3DANA"
        assert "link CODE" in whisper.text
        assert "/channels" in whisper.text


async def test_another_workspace_is_refused_whole() -> None:
    """The same user id elsewhere is somebody else."""
    async with office() as shop:
        name = await shop.stopped()
        payload = shop.slack.pressed(shop.button("Approve")["value"])
        payload["user"]["team_id"] = "T9OTHER"

        with pytest.raises(NotAllowed, match="not signed as it must be"):
            await shop.calls("interactive", payload)
        assert await shop.status(name) is Status.OPEN


# --- commands -------------------------------------------------------------------------------------


async def test_an_account_is_linked_by_a_code() -> None:
    """Typed as a command or written to the app; then the person is found there."""
    async with office(linked=False) as shop:
        linking = shop.found.town.house.linking
        first = await linking.code("shop", "maria", "slack")
        second = await linking.code("shop", "tom", "slack")

        typed = await shop.calls("slash_commands", shop.slack.command(f"link {first}"))
        await shop.calls("events_api", shop.slack.wrote(f"link {second}", user="U2TOM"))
        links = await shop.found.town.house.store.links("shop")

        assert typed == {"response_type": "ephemeral", "text": "Linked: you are Maria Lopez."}
        assert {(each.person, each.account, each.name, each.address) for each in links} == {
            ("maria", f"{TEAM}/U1MARIA", "Maria Lopez", "U1MARIA"),
            ("tom", f"{TEAM}/U2TOM", "Tom Ode", "U2TOM"),
        }
        assert shop.message()["text"] == "Linked: you are Tom Ode."
        assert shop.message()["channel"] == "D2TOM"


async def test_on_call_accept_and_help_are_commands() -> None:
    """What somebody on the move needs."""
    async with office() as shop:
        name = await shop.stopped()

        async def says(text: str, **who: str) -> str:
            reply = await shop.calls("slash_commands", shop.slack.command(text, **who))
            return str(reply["text"])

        assert "billing: Maria Lopez" in await says("on-call")
        assert "accept ID" in await says("")
        assert "do not know" in await says("on-call", user="U3DANA")
        assert await says(f"accept {name}") == "You have it."
        assert await shop.status(name) is Status.ACCEPTED


# --- whoever asked --------------------------------------------------------------------------------


async def test_the_requester_hears_in_their_thread() -> None:
    """ "Being asked", "has it", "decided", where the request came from, and no personal data."""
    where = wire.ReplyToIn(channel="slack", address="C1BILLING/1699.2")
    async with office() as shop:

        def heard() -> list[str]:
            return [
                words_of(each["blocks"])
                for each in shop.slack.messages.values()
                if each["channel"] == "C1BILLING"
            ]

        await shop.stopped(reply_to=where)
        maria = [each[:2] for each in shop.slack.messages].index("D1")
        asked = heard()
        await shop.presses("I have it", number=maria)
        await shop.found.town.turn(timedelta(minutes=1))
        accepted = heard()
        await shop.presses("Approve", number=maria)
        await shop.found.town.turn(timedelta(minutes=1))

        threads = {
            each["thread_ts"]
            for each in shop.slack.messages.values()
            if each["channel"] == "C1BILLING"
        }
        assert threads == {"1699.2"}
        assert "Maria from Billing is being asked" in asked[0]
        assert "Maria from Billing has it" in accepted[-1]
        assert len(heard()) == len(accepted) + 1, "an edit rings nobody"
        assert all("Maria from Billing approved it" in each for each in heard())
        assert "Anna" not in "".join([*asked, *accepted, *heard()])


async def test_a_flawed_callback_does_nothing() -> None:
    """Over the whole way in."""
    async with office() as shop:
        name = await shop.stopped()
        callback = shop.slack.press(
            shop.button("Approve")["value"], at=shop.found.town.clock.now(), flaw=Flaw.FOREIGN
        )

        with pytest.raises(NotAllowed, match="not signed as it must be"):
            await shop.found.town.house.inbound.called(
                "slack",
                method="POST",
                url=callback.url,
                query="",
                headers=callback.headers,
                body=callback.body,
            )
        assert await shop.status(name) is Status.OPEN


# --- by socket ------------------------------------------------------------------------------------


async def test_socket_mode_needs_no_address_of_ours() -> None:
    """The same press through a connection that we opened."""
    async with office() as shop:
        name = await shop.stopped()
        take = shop.found.town.house.inbound.taker("slack")
        ear = asyncio.create_task(shop.channel.listen(take))
        await shop.slack.connected(2)

        acknowledged = await shop.slack.says(
            "interactive", shop.slack.pressed(shop.button("I have it")["value"])
        )
        typed = await shop.slack.says("slash_commands", shop.slack.command("on-call"))
        await shop.slack.has_called("chat.postEphemeral")
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)

        assert acknowledged == {}
        assert "billing: Maria Lopez" in typed["text"]
        assert await shop.status(name) is Status.ACCEPTED
