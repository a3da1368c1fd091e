"""Reading changes nothing and crosses no workspace."""

import json
from typing import Any

import pytest

from pullcord.engine.proof import checked
from pullcord.server.table import ROUTES
from tests.server.place import POLICY, Place

GETS = [route for route in ROUTES if route.method == "GET"]

SECRET = "canary-7f3a"


@pytest.mark.parametrize("route", GETS, ids=lambda route: route.name)
@pytest.mark.promise("get-changes-nothing")
async def test_a_get_changes_nothing(place: Place, route: Any) -> None:
    """A mail scanner that opens links, or a prefetch, must never decide anything."""
    escalation = await place.opened()
    await place.decided("k2")
    path = route.path.replace("{id}", escalation)
    callers = [place.agent(), await place.person("ruth"), place.client()]
    await place.town.settle()
    before = await place.contents()

    for caller in callers:
        for method in ("GET", "HEAD"):
            if path != "/v1/changes" or method == "HEAD":
                reply = await caller.request(method, path)
                assert reply.status_code < 500

    assert await place.contents() == before


async def test_a_person_reads_pages_of_escalations(place: Place) -> None:
    """Filters narrow, the cursor leads through all of them, each once."""
    ids = {await place.opened(f"k{number}") for number in range(5)}
    maria = await place.person("maria")

    found: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await maria.get("/v1/escalations", params={"limit": 2, "cursor": cursor})
        found += [each["id"] for each in page.json()["escalations"]]
        cursor = page.json()["cursor"]
    none = await maria.get("/v1/escalations?status=closed,withdrawn&owner=maria&agent=support")
    mine = await maria.get("/v1/escalations?status=open&run=run-1&ladder=billing&end_user=u_7")

    assert sorted(found) == sorted(ids)
    assert none.json()["escalations"] == []
    assert len(mine.json()["escalations"]) == 5


async def test_a_timeline_comes_in_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long story is read in parts, without a gap and without an entry twice."""
    monkeypatch.setattr("pullcord.server.escalations.ENTRIES_MAX", 2)
    path = f"/v1/escalations/{await place.decided()}/timeline"
    maria = await place.person("maria")

    entries: list[int] = []
    cursor = "0"
    while cursor:
        page = (await maria.get(path, params={"after": cursor})).json()
        entries += [each["seq"] for each in page["entries"]]
        cursor = page["cursor"]

    assert entries == list(range(1, len(entries) + 1))
    assert len(entries) > 2


async def test_duty_people_and_schedules_are_listed(place: Place) -> None:
    """Who answers now, who is there, who is next: read by other systems."""
    maria = await place.person("maria")

    on_call = (await maria.get("/v1/on-call")).json()["on_call"]
    people = (await maria.get("/v1/people")).json()["people"]
    schedules = (await maria.get("/v1/schedules")).json()["schedules"]

    assert on_call[0]["ladder"] == "billing"
    assert on_call[0]["person"]["id"] == "maria"
    assert {each["person"]["id"] for each in people} >= {"maria", "tom", "dana"}
    assert schedules[0]["id"] == "billing"
    assert schedules[0]["timezone"] == "Europe/Berlin"
    assert [each["end_at"] for each in schedules[0]["shifts"][:-1]] == [
        each["start_at"] for each in schedules[0]["shifts"][1:]
    ]


async def test_an_export_proves_itself_offline(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an auditor takes away holds without the database, and holds no sealed content."""
    monkeypatch.setattr("pullcord.server.people.LINES_JOINED", 3)
    await place.decided(messages=[{"role": "user", "content": SECRET}])
    auditor = await place.person("alex")

    reply = await auditor.get("/v1/export")

    lines = reply.text.splitlines()
    proof = checked(lines)
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert proof.faults == []
    assert proof.decisions == 1
    assert json.loads(lines[0])["type"] == "header"
    assert SECRET not in reply.text


async def test_a_policy_is_applied_and_tells_its_warnings(place: Place) -> None:
    """A lead changes a rule from a terminal; agents get it with their next question."""
    lead, agent = await place.person("dana"), place.agent()
    before = (await agent.get("/v1/policy")).headers["etag"]
    changed = POLICY.replace("250", "100").replace("Tom Ode", "Tom Odes")

    reply = await lead.put(
        "/v1/policy", content=changed, headers={"content-type": "text/yaml; charset=utf-8"}
    )
    after = await agent.get("/v1/policy", headers={"if-none-match": before})
    stopped = await agent.post(
        "/v1/escalations", json={"key": "k", "tool": "issue_refund", "args": {"amount": 120}}
    )

    assert reply.status_code == 200
    assert after.json()["version"] == reply.json()["version"]
    assert any("people.tom" in each for each in reply.json()["warnings"])
    assert stopped.json()["verdict"] == "gate"


async def test_a_policy_for_another_workspace_is_not_applied(place: Place) -> None:
    """Whoever leads one workspace configures no other by writing its name into a file."""
    lead = await place.person("dana")
    foreign = POLICY.replace("workspace: shop", "workspace: bank")

    reply = await lead.put("/v1/policy", content=foreign, headers={"content-type": "text/yaml"})

    assert reply.status_code == 403
    assert "'bank'" in reply.json()["detail"]
    assert await place.town.house.store.workspaces() == ["shop"]


async def test_labels_of_many_are_kept_whole_or_not_at_all(place: Place) -> None:
    """One wrong id refuses the batch, so that it can be corrected and sent again."""
    escalation = await place.opened()
    maria = await place.person("maria")
    known = {"escalation": escalation, "label": "was-right", "text": "customer confirmed"}
    unknown = {"escalation": "esc_none", "label": "was-right"}

    refused = await maria.post("/v1/outcomes", json={"outcomes": [known, unknown]})
    none = await place.town.house.store.outcomes("shop", escalation)
    kept = await maria.post("/v1/outcomes", json={"outcomes": [known, known]})
    both = await place.town.house.store.outcomes("shop", escalation)

    assert (refused.status_code, kept.status_code) == (404, 202)
    assert list(none) == []
    assert [each.label for each in both] == ["was-right"] * 2
    assert both[0].by == "person:maria"


@pytest.mark.promise("no-workspace-crossed")
async def test_nothing_crosses_a_workspace(place: Place) -> None:
    """The canary: one tenant's people and agents never see a trace of another's."""
    escalation = await place.opened(
        messages=[{"role": "user", "content": SECRET}], end_user={"id": SECRET}
    )
    office = place.town.house.office
    foreign = POLICY.replace("workspace: shop", "workspace: bank").replace("maria", "mia")
    await office.apply(foreign, by="setup")
    shown, _ = await office.mint_key(
        "bank", agent="support", environment="production", creator="dana"
    )
    token = await office.invite("bank", "ruth", purpose="demo")
    cookie, session = await office.redeem_demo(token)
    admin = place.client(
        cookies={"pullcord_session": cookie}, headers={"x-csrf-token": session.csrf}
    )
    before = await place.contents()

    for route in ROUTES:
        path = route.path.replace("{id}", escalation)
        for caller in (place.agent(shown), admin):
            if path == "/v1/changes" or route.public:
                continue
            reply = await caller.request(route.method, path, json={})
            assert SECRET not in reply.text
            if "{id}" in route.path:
                assert reply.status_code in (403, 404, 422)

    assert await place.contents() == before
