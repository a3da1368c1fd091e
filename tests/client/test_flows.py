"""Flows over many pages, played step by step without any network."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pullcord import TakenOver
from pullcord.client.address import Address
from pullcord.client.asking import PAGES_MAX, Subject, has_the_conversation
from pullcord.client.background import Background
from pullcord.client.core import FREE_FOR, QUIET_FOR, Core
from pullcord.client.escalating import open_of
from pullcord.client.plans import Answer
from pullcord.client.policy import PolicyKeeper
from pullcord.client.runs import Run
from pullcord.wire.replies import EscalationOut, PageOut, PersonOut
from tests.client.test_requests import Still, played

NOON = datetime(2027, 1, 5, 12, tzinfo=UTC)


def one(status: str, *, control: str = "agent") -> EscalationOut:
    """An escalation of a listing."""
    return EscalationOut(
        id=f"esc_{status}",
        status=status,
        version=1,
        generation=1,
        tool="pay",
        ask_kind="approve",
        severity="normal",
        rule="r",
        run="t",
        call="c",
        key="k",
        owner=PersonOut(id="maria", shown_as="Maria"),
        opened_at=NOON,
        control=control,
        for_model="Maria has it.",
        for_user="Maria has it.",
    )


def page(*escalations: EscalationOut, cursor: str = "") -> Answer:
    """One page of them."""
    return Answer(
        200, {}, msgspec.json.encode(PageOut(escalations=list(escalations), cursor=cursor))
    )


@pytest.fixture
def core() -> Core:
    """A client whose time stands still and that is never sent anywhere."""
    background = Background(lambda plan: Answer(202, {}, b"{}"), name="me")
    timer: Any = Still()
    return Core(Address("http://x", "pk_x"), background, PolicyKeeper(), timer=timer)


def stood(core: Core) -> Still:
    """The timer of the fixture."""
    timer: Any = core.timer
    return timer  # type: ignore[no-any-return]


def test_all_that_waits_for_an_end_user_is_listed_page_by_page(core: Core) -> None:
    """Living ones come first, so the first page with another one is the last that matters."""
    pages = [page(one("open"), cursor="1"), page(one("accepted"), one("closed"), cursor="2")]

    found, sent = played(open_of(core, "u"), stood(core), pages)

    assert [each.status for each in found] == ["open", "accepted"]
    assert sent == 2


def test_a_person_in_control_is_found_on_a_later_page(core: Core) -> None:
    """However much waits in one conversation."""
    run = Run("t")
    flow = has_the_conversation(core, run, Subject("pay", core))
    pages = [page(one("open"), cursor="1"), page(one("accepted", control="human"))]

    found, sent = played(flow, stood(core), pages)

    assert isinstance(found, TakenOver)
    assert found.for_model == "Maria has it."
    assert sent == 2


@pytest.mark.parametrize(
    ("answer", "sent", "believed"),
    [
        (page(), 1, QUIET_FOR),
        (page(one("closed"), cursor="1"), 1, QUIET_FOR),
        (page(one("open")), 1, FREE_FOR),
        (page(one("open"), cursor="1"), PAGES_MAX, FREE_FOR),
    ],
)
def test_a_run_is_asked_about_as_often_as_it_can_change(
    core: Core, answer: Answer, sent: int, believed: float
) -> None:
    """Only what waits for people can be taken over."""
    run = Run("t")
    flow = has_the_conversation(core, run, Subject("pay", core))

    _, count = played(flow, stood(core), [answer])

    assert count == sent
    assert run.free_until == believed
