"""The gateway before a real third-party server: tools are called as rules and people allow."""

from typing import Any

import pytest
from mcp.client import Client

from tests.mcp.office import GENERATIONS, Office, Repository, text


@pytest.fixture
def repository(office: Office) -> Repository:
    """A repository for `mcp-server-git` to work on."""
    return Repository.made(office.folder)


async def make_branch(client: Client, repository: Repository, name: str = "topic") -> Any:
    """The call that a rule stops."""
    return await client.call_tool("git_create_branch", repository.branch(name))


@pytest.mark.promise("mcp-gateway")
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_stopped_call_runs_once_a_person_lets_it(
    office: Office, repository: Repository, generation: str
) -> None:
    """Neither agent nor server is changed: asked Maria, called again, done, reported."""
    async with office.gateway("--", *repository.server, generation=generation) as client:
        parked = await make_branch(client, repository)
        before = repository.branches
        office.does("approve", office.newest(), "Go ahead.")
        done = await make_branch(client, repository)

    assert parked.is_error
    assert text(parked).startswith("Asked Maria from Releases at ")
    assert "git_create_branch has NOT run" in text(parked)
    assert "Call it again with exactly the same arguments" in text(parked)
    assert before == ["main"]
    assert not done.is_error
    assert "Maria from Releases says" in text(done)
    assert "Created branch" in text(done)
    assert repository.branches == ["main", "topic"]
    assert office.closed_as(office.newest()) == "executed"


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_what_no_rule_stops_passes_as_it_is(
    office: Office, repository: Repository, generation: str
) -> None:
    """The gateway is not noticed where nothing is to be decided."""
    async with office.gateway("--", *repository.server, generation=generation) as client:
        listed = (await client.list_tools()).tools
        status = await client.call_tool("git_status", {"repo_path": str(repository.path)})

    assert {"git_create_branch", "git_status"} <= {tool.name for tool in listed}
    assert not status.is_error
    assert "On branch main" in text(status)
    assert office.rows() == []


async def test_a_call_that_a_rule_denies_never_reaches_the_server(
    office: Office, repository: Repository
) -> None:
    """Nobody is woken and nothing runs."""
    async with office.gateway("--", *repository.server) as client:
        denied = await client.call_tool("git_reset", {"repo_path": str(repository.path)})

    assert denied.is_error
    assert "no-resets" in text(denied)
    assert office.rows() == []


async def test_edited_arguments_are_what_is_called(office: Office, repository: Repository) -> None:
    """What a person decided runs, not what the model wrote, and the model is told so."""
    async with office.gateway("--", *repository.server) as client:
        await make_branch(client, repository)
        office.does("edit", office.newest(), branch_name="release-2")
        done = await make_branch(client, repository)

    assert repository.branches == ["main", "release-2"]
    assert "changed this call before it ran" in text(done)
    assert "release-2" in text(done)


async def test_a_no_stands_with_its_reason(office: Office, repository: Repository) -> None:
    """A model that insists gets the same answer, and nobody is asked twice."""
    async with office.gateway("--", *repository.server) as client:
        await make_branch(client, repository)
        office.does("reject", office.newest(), "We freeze today.")
        first = await make_branch(client, repository)
        again = await make_branch(client, repository)

    assert "We freeze today." in text(first)
    assert again.is_error
    assert "decided against it" in text(again)
    assert len(office.rows()) == 1
    assert repository.branches == ["main"]


async def test_a_yes_covers_one_call(office: Office, repository: Repository) -> None:
    """What was carried out is spent: the same call again is asked about anew."""
    async with office.gateway("--", *repository.server) as client:
        await make_branch(client, repository)
        office.does("approve", office.newest())
        await make_branch(client, repository)
        repository.git("branch", "-D", "topic")
        again = await make_branch(client, repository)

    assert text(again).startswith("Asked Maria")
    assert len(office.rows()) == 2
    assert repository.branches == ["main"]


@pytest.mark.promise("mcp-gateway-restart")
async def test_the_decision_is_found_after_the_gateway_was_started_anew(
    office: Office, repository: Repository
) -> None:
    """Hosts end their servers at night; what was asked yesterday is decided today."""
    async with office.gateway("--", *repository.server) as client:
        await make_branch(client, repository)
    office.does("approve", office.newest())

    async with office.gateway("--", *repository.server) as client:
        done = await make_branch(client, repository)

    assert not done.is_error
    assert repository.branches == ["main", "topic"]
    assert len(office.rows()) == 1


async def test_a_call_waits_a_bounded_time_for_its_person(
    office: Office, repository: Repository
) -> None:
    """Who is quick need not be asked twice."""
    from pullcord.testing import approves, never

    office.live.plays("maria", approves())
    try:
        async with office.gateway("--", *repository.server, wait="15s") as client:
            done = await make_branch(client, repository)
    finally:
        office.live.plays("maria", never())

    assert not done.is_error
    assert repository.branches == ["main", "topic"]


async def test_two_calls_side_by_side_are_decided_each_for_itself(
    office: Office, repository: Repository
) -> None:
    """One yes is not two."""
    async with office.gateway("--", *repository.server) as client:
        await make_branch(client, repository, "one")
        await make_branch(client, repository, "two")
        one, two = (row.escalation.id for row in office.rows())
        office.does("reject", one)
        office.does("approve", two)
        first = await make_branch(client, repository, "one")
        second = await make_branch(client, repository, "two")

    assert first.is_error
    assert not second.is_error
    assert repository.branches == ["main", "two"]


async def test_rules_can_name_tools_by_their_server(office: Office, repository: Repository) -> None:
    """Two servers may have a tool of one name."""
    async with office.gateway("--prefix", "git/", "--", *repository.server) as client:
        await make_branch(client, repository)

    assert office.rows()[-1].escalation.tool == "git/git_create_branch"
