"""Slips: a channel asks for reasons, changes, answers and questions as the page does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pullcord.channels.port import Answer, Form, InputKind, Verb
from pullcord.owner.roster import Role
from pullcord.path.escalation import DecisionKind, Status
from pullcord.wire import requests as wire
from tests.conformance.channels.paper import PaperChannel
from tests.unit.engine.board import Board, board
from tests.unit.engine.counter import POLICY

FORMS = replace(PaperChannel.can, has_forms=True)
#: one refund that can be undone, so that nothing is asked twice
MILD = POLICY.replace("currency: EUR}", "currency: EUR, reversible: yes}")
TWO_VOTES = POLICY.replace(
    "{id: refund-over-limit, tool: issue_refund, when: args.amount > 250}",
    "{id: refund-over-limit, tool: issue_refund, when: args.amount > 250, quorum: 2}",
)
CHOICE = wire.AskIn(
    kind="choose",
    question="Which way?",
    options=[
        wire.OptionIn(id="post", label="By post", consequence="Takes a week."),
        wire.OptionIn(id="courier", label="By courier", is_safe=True),
    ],
)


def offered(found: Board, *, note: int = -1) -> dict[Verb, str]:
    """The buttons of the newest paper by what they do."""
    read = found.town.house.inbound._actions.read
    tokens = found.double.arrived()[note].buttons
    return {action.verb: token for token in tokens if (action := read(token)) is not None}


async def began(found: Board, token: str, *, account: str = "maria-1") -> Answer:
    """Somebody pressed a button that asks for more."""
    return await found.tells(kind="began", account=account, token=token)


async def slip(found: Board, verb: Verb, **more: str) -> Form:
    """The form behind a button."""
    answer = await began(found, offered(found)[verb], **more)
    assert answer.form is not None, answer.text
    return answer.form


async def fills(found: Board, form: Form, account: str = "maria-1", **values: str) -> Answer:
    """Somebody sends a form as they filled it in."""
    dotted = {name.replace("__", "."): text for name, text in values.items()}
    shown = {each.name: each.value for each in form.inputs}
    return await found.tells(
        kind="pressed", account=account, token=form.token, **{**shown, **dotted}
    )


async def test_a_channel_with_forms_offers_all_ways_to_decide() -> None:
    """Changes and reasons need words; nobody is sent to another window for them."""
    async with board(can=FORMS) as found:
        await found.stopped()
        before = list(offered(found))
        await found.presses(offered(found)[Verb.ACCEPT])
        await found.town.settle()

        assert before == [Verb.ACCEPT, Verb.DECLINE, Verb.APPROVE, Verb.EDIT, Verb.REJECT]
        assert list(offered(found)) == [Verb.APPROVE, Verb.EDIT, Verb.REJECT, Verb.ASK]


async def test_looking_at_a_form_does_nothing() -> None:
    """Opening is not deciding."""
    async with board(can=FORMS) as found:
        name = await found.stopped()

        form = await slip(found, Verb.REJECT)

        assert (form.title, form.submit) == ("Reject", "Reject")
        assert "This cannot be undone." in form.lead
        assert [each.name for each in form.inputs] == ["note"]
        assert (await found.town.row(name)).escalation.status is Status.OPEN


async def test_a_rejection_needs_a_reason_and_says_so_beside_it() -> None:
    """An agent that reads "no" and nothing else asks again."""
    async with board(can=FORMS) as found:
        name = await found.stopped()
        form = await slip(found, Verb.REJECT)

        empty = await fills(found, form, note=" ")
        given = await fills(found, form, note="It was paid back in March.")

        assert "Say why" in empty.problems["note"]
        assert not empty.is_done
        assert given.is_done
        decision = (await found.town.row(name)).escalation.decision
        assert decision is not None
        assert decision.kind is DecisionKind.REJECT


async def test_an_agent_that_cannot_read_reasons_is_named() -> None:
    """Nobody writes three lines for nobody."""
    async with board(can=FORMS) as found:
        await found.stopped(capabilities=["edit_args"])

        form = await slip(found, Verb.REJECT)

        assert "will not read why" in form.inputs[0].help


async def test_changed_arguments_are_typed_and_checked() -> None:
    """A word where a number belongs never reaches the tool."""
    async with board(can=FORMS) as found:
        name = await found.stopped(args={"order": "H-1", "amount": 480.0, "express": True})
        form = await slip(found, Verb.EDIT)

        kinds = {each.name: (each.kind, each.value, each.help) for each in form.inputs}
        needed = [each.name for each in form.inputs if each.is_needed]
        wrong = await fills(found, form, arg__amount="a lot")
        same = await fills(found, form)
        right = await fills(found, form, arg__amount="240.50", arg__express="no")

        assert kinds["arg.amount"] == (InputKind.NUMBER, "480", "Proposed: 480")
        assert needed == ["arg.amount", "arg.express"]
        assert kinds["arg.express"] == (InputKind.CHOICE, "yes", "Proposed: yes")
        assert "It takes a number" in wrong.problems["arg.amount"]
        assert "Change a value first" in same.problems["note"]
        assert right.text.startswith("Approved with your changes")
        decided = (await found.town.row(name)).escalation.decision
        assert decided is not None
        assert decided.kind is DecisionKind.EDIT
        content = await found.town.house.contents.one("shop", name, decided.content)
        assert content["args"] == {"order": "H-1", "amount": 240.5, "express": False}


async def test_a_change_the_policy_refuses_is_told_in_the_form() -> None:
    """What a person may not do by hand, they may not do by form."""
    async with board(can=FORMS) as found:
        name = await found.stopped()
        form = await slip(found, Verb.EDIT)

        refused = await fills(found, form, arg__amount="-5")

        assert "no rule refuses them" in refused.problems["note"]
        assert (await found.town.row(name)).escalation.decision is None


async def test_an_agent_that_takes_no_changes_is_offered_none() -> None:
    """A button that can only fail is no button."""
    async with board(can=FORMS) as found:
        await found.stopped(capabilities=["durable"])

        assert Verb.EDIT not in offered(found)


async def test_a_call_without_arguments_has_nothing_to_change() -> None:
    """The same."""
    policy = POLICY.replace("when: args.amount > 250", "when: 'true'")
    async with board(can=FORMS, policy=policy) as found:
        await found.stopped(args={})

        assert Verb.EDIT not in offered(found)


@pytest.mark.parametrize(
    ("policy", "said"), [(POLICY, "This cannot be undone. It is about EUR 480.00."), (MILD, "")]
)
async def test_what_cannot_be_undone_is_asked_once_more(policy: str, said: str) -> None:
    """A thumb on a small screen is not yet a decision."""
    async with board(can=FORMS, policy=policy) as found:
        name = await found.stopped()
        house = found.town.house
        row = await found.town.row(name)
        outgoing = (await found.copies(name))[0]
        letter = await house.courier._scribe.letter(
            outgoing,  # type: ignore[arg-type]
            row.escalation,
            house.courier.channels["paper"],
        )

        asked = {each.verb: each.confirm for each in letter.buttons}
        assert asked[Verb.APPROVE].startswith(said)
        assert bool(asked[Verb.APPROVE]) == bool(said)
        assert asked[Verb.ACCEPT] == asked[Verb.REJECT] == ""


async def test_every_option_is_a_button_of_its_own() -> None:
    """A press chooses; what follows stands beside it."""
    async with board(can=FORMS) as found:
        name = await found.stopped(tool="", args={}, ask=CHOICE)
        (note,) = found.notes()
        read = found.town.house.inbound._actions.read
        options = {
            action.option: token
            for token in note.buttons
            if (action := read(token)) is not None and action.verb is Verb.CHOOSE
        }

        answer = await found.presses(options["courier"])

        assert set(options) == {"post", "courier"}
        assert "By post: Takes a week." in note.text
        assert answer.text.startswith("Chosen.")
        row = await found.town.row(name)
        assert row.escalation.decision is not None
        content = await found.town.house.contents.one("shop", name, row.escalation.decision.content)
        assert content["option"] == "courier"


async def test_options_longer_than_a_button_are_chosen_on_the_page() -> None:
    """Two buttons that begin alike and end in an ellipsis are a trap."""
    long = "Send it by the slow and cheap way " * 4
    ask = wire.AskIn(
        kind="choose",
        question="Which way?",
        options=[
            wire.OptionIn(id="a", label=f"{long}today", is_safe=True),
            wire.OptionIn(id="b", label=f"{long}tomorrow"),
        ],
    )
    async with board(can=FORMS) as found:
        await found.stopped(tool="", args={}, ask=ask)

        assert Verb.CHOOSE not in offered(found)


async def test_an_answer_is_written_in_a_form() -> None:
    """Free text where nothing else is asked for."""
    ask = wire.AskIn(kind="answer", question="Which day suits?")
    async with board(can=FORMS) as found:
        name = await found.stopped(tool="", args={}, ask=ask)
        form = await slip(found, Verb.ANSWER)

        empty = await fills(found, form, answer="")
        given = await fills(found, form, answer="Monday.")

        assert "Write what the agent should know" in empty.problems["answer"]
        assert given.text.startswith("Answered.")
        assert (await found.town.row(name)).escalation.decision is not None


async def test_a_typed_answer_has_typed_inputs() -> None:
    """The agent gets a number where it asked for one."""
    schema = {
        "properties": {"day": {"enum": ["Mon", "Tue"]}, "hours": {"type": "integer"}},
        "required": ["day"],
    }
    ask = wire.AskIn(kind="answer", question="When, how long?", schema=schema)
    async with board(can=FORMS) as found:
        name = await found.stopped(tool="", args={}, ask=ask)
        form = await slip(found, Verb.ANSWER)

        wrong = await fills(found, form, ans__day="Sun", ans__hours="")
        right = await fills(found, form, ans__day="Mon", ans__hours="3")

        assert [(each.name, each.kind, each.is_needed) for each in form.inputs] == [
            ("ans.day", InputKind.CHOICE, True),
            ("ans.hours", InputKind.INTEGER, False),
        ]
        assert form.inputs[0].choices == (("Mon", "Mon"), ("Tue", "Tue"))
        assert "one of Mon, Tue" in wrong.problems["ans.day"]
        assert right.is_done
        decided = (await found.town.row(name)).escalation.decision
        assert decided is not None
        content = await found.town.house.contents.one("shop", name, decided.content)
        assert content["answer"] == {"day": "Mon", "hours": 3}


@pytest.mark.parametrize("has_end_user", [True, False])
async def test_the_owner_asks_back(has_end_user: bool) -> None:
    """Whoever has it may want to know more before they decide."""
    more: dict[str, Any] = {} if has_end_user else {"end_user": None}
    async with board(can=FORMS) as found:
        name = await found.stopped(**more)
        await found.presses(offered(found)[Verb.ACCEPT])
        await found.town.settle()
        form = await slip(found, Verb.ASK)

        empty = await fills(found, form, text="")
        asked = await fills(found, form, text="Which order?")
        again = await fills(found, form, text="And why?")

        whom = [sent for sent, _ in form.inputs[0].choices]
        assert whom == (["agent", "end_user"] if has_end_user else ["agent"])
        assert "text" in empty.problems
        assert asked.text.startswith("Asked.")
        assert not again.is_done
        assert (await found.town.row(name)).escalation.question is not None


async def test_a_take_over_is_asked_about_and_taken_on_the_page() -> None:
    """A conversation is not taken over from a message."""
    async with board(can=FORMS) as found:
        await found.stopped(tool="hand_over", args={})

        assert list(offered(found)) == [Verb.ACCEPT, Verb.DECLINE]


async def test_a_vote_is_told_as_one() -> None:
    """Nobody believes it is decided while another voice is missing."""
    async with board(can=FORMS, policy=TWO_VOTES) as found:
        name = await found.stopped()

        answer = await found.presses(offered(found, note=0)[Verb.APPROVE])

        assert answer.text.startswith("Your vote counts.")
        assert (await found.town.row(name)).escalation.decision is None


# --- who comes too late, or is somebody else ------------------------------------------------------


async def test_a_form_is_not_shown_to_strangers_or_others() -> None:
    """What is asked is nobody else's business."""
    async with board(can=FORMS) as found:
        await found.stopped()
        token = offered(found)[Verb.REJECT]

        stranger = await began(found, token, account="mallory-1")
        other = await began(found, token, account="tom-1")

        assert "do not know" in stranger.text
        assert "somebody else" in other.text
        assert stranger.form is None
        assert other.form is None


async def test_a_button_without_a_form_has_none() -> None:
    """A channel that mixes them up is told."""
    async with board(can=FORMS) as found:
        await found.stopped()

        assert "press it" in (await began(found, offered(found)[Verb.ACCEPT])).text


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.EDIT])
async def test_who_comes_too_late_is_told_who_was_first(verb: Verb) -> None:
    """Before the form as well as after it."""
    async with board(can=FORMS) as found:
        name = await found.stopped()
        form = await slip(found, verb)
        await found.town.turn(timedelta(minutes=1))
        await found.town.person("maria").approve(name)

        before = await began(found, form.token)
        after = await fills(found, form, note="Too much.", arg__amount="300")

        assert "Maria Lopez approved it" in before.text
        assert "Maria Lopez approved it" in after.text
        assert not before.is_done
        assert not after.is_done


async def test_who_may_not_any_more_is_told_why() -> None:
    """The same sentence as on the page."""
    async with board(can=FORMS) as found:
        await found.stopped()
        token = offered(found)[Verb.REJECT]
        office = found.town.house.office
        someone = (await office.people("shop"))["maria"]
        await office.put_person("shop", replace(someone, role=Role.AUDITOR), by="dana")

        answer = await began(found, token)

        assert "auditor" in answer.text
        assert answer.form is None


async def test_an_option_that_was_never_offered_is_refused() -> None:
    """A token of ours with another option in it would be a bug; it decides nothing."""
    async with board(can=FORMS) as found:
        name = await found.stopped(tool="", args={}, ask=CHOICE)
        actions = found.town.house.inbound._actions
        action = actions.read(offered(found)[Verb.CHOOSE])
        assert action is not None

        answer = await found.presses(actions.token(replace(action, option="airship")))

        assert "post, courier" in answer.text
        assert (await found.town.row(name)).escalation.decision is None
