"""A backup of a busy server, the loss of everything, a restore that is looked at, and let go."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.served import Place, invited, key_of, pullcord, signed_in
from tests.acceptance.test_one_stop import POLICY, parked
from tests.acceptance.test_processes import readiness, until
from tests.keeping import in_file

#: openings before the backup begins, and while it is made
COUNT = 15


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty directory."""
    return Place(tmp_path, in_file(tmp_path))


class Openings:
    """An agent that stops all the time, and remembers what it was told."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx2.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,
        )
        self.told: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            body = {"key": f"k{number}", "tool": "issue_refund", "args": {"amount": 400 + number}}
            answer = self._http.post("/v1/escalations", json=body)
            self.told.append(answer.json()["escalation"]["id"])

    def end(self) -> None:
        """Stop and let go."""
        self._over.set()
        self._thread.join(30)
        self._http.close()


@pytest.mark.promise("backup-restores-whole")
def test_a_backup_of_a_busy_server_restores_held_and_goes_on_when_let_go(place: Place) -> None:
    """From the backup at night to the first decision after the disaster."""
    kept = place.folder / "kept.db"
    with place.serving(policy=POLICY) as (server, url):
        key = key_of(place)
        name = parked(place, url, key)
        with signed_in(url, invited(place, "tom", url)) as tom:
            until(lambda: tom.read(name)["owner"]["id"] == "tom")
            tom.act(name, "decide", kind="approve")
        opening = Openings(url, key)
        until(lambda: len(opening.told) >= COUNT)
        before = list(opening.told)
        made = json.loads(pullcord("backup", kept, "--db", place.kept.db, "--json").stdout)
        until(lambda: len(opening.told) >= len(before) + 5)
        opening.end()
        server.popen.kill()
        server.popen.wait()
    for each in place.folder.glob("pullcord.db*"):
        if each.suffix != ".key":
            each.unlink()

    pullcord("restore", kept, "--by", "Dana", "--db", place.kept.db)
    proof = json.loads(pullcord("verify", "--db", place.kept.db, "--json").stdout)
    with place.serving() as (server, url):
        ready = readiness(url)
        seen = _as_agent(url, key, "get", "/v1/decisions")
        with (
            signed_in(url, invited(place, "tom", url)) as tom,
            place.agent("resume", url=url, key=key) as agent,
        ):
            found = {tom.read(each)["status"] for each in before}
            refused = tom.http.post(f"/v1/escalations/{before[0]}/accept", json={})
            held = (tom.read(name)["status"], place.payments())
            pullcord("release", "--by", "Dana", "--db", place.kept.db)
            resumed = agent.line(r"resumed (.*)")[1]
            until(lambda: tom.read(name)["status"] == "closed")
        server.end()

    assert made["facts"]["escalations"] > COUNT
    assert proof["holds"] is True
    assert (ready[0], "'status': 'held'" in ready[1]) == (200, True)
    assert (seen.status_code, seen.headers["retry-after"]) == (503, "5")
    assert found == {"open"}
    assert refused.status_code == 503
    assert held == ("decided", [])
    assert resumed == "refunded 480.00 for A-17"
    assert place.payments() == ["A-17 480.00"]


def _as_agent(url: str, key: str, method: str, path: str) -> Any:
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.request(method, url + path, headers=headers, timeout=30, trust_env=False)
