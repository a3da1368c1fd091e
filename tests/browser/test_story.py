"""The whole path as people see it: an agent stops, a named person decides, the agent resumes."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import standing

#: seconds one run of the agent may take
WITHIN = 60

AGENT = """
import sys
from pathlib import Path

from pullcord import EndUser, Parked, Pullcord

cord = Pullcord()
book = Path(sys.argv[2])


@cord.guard(wait="0s")
def issue_refund(order: str, amount: float) -> str:
    with book.open("a") as lines:
        lines.write(f"{order} {amount}\\n")
    return f"refund of {amount:.2f} sent"


if sys.argv[1] == "work":
    said = [{"role": "user", "content": "I was charged twice for order 8812."}]
    with cord.run("thread-41", end_user=EndUser("u_7", name="Anna Keller"), messages=said):
        try:
            print(issue_refund("8812", 480.0))
        except Parked as parked:
            print(parked.status_url)
else:
    for decision in cord.decisions(wait="0s"):
        print(cord.resume(decision))
"""


def agent(live: Live, folder: Path, what: str) -> str:
    """One life of the agent: a process of its own that ends when it has nothing to do."""
    program = folder / "agent.py"
    program.write_text(AGENT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), what, str(folder / "book.txt")],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        env={**os.environ, **live.environ()},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.promise("one-path-in-view")
def test_an_agent_parks_the_ladder_advances_a_person_changes_it_and_the_agent_resumes_once(
    live: Live, visit: Visit, tmp_path: Path
) -> None:
    """Operator, end user and team see the same path, and what ran is what was decided."""
    status = agent(live, tmp_path, "work").removeprefix(live.url)
    (row,) = live.call(live.town.escalations())
    name = row.escalation.id
    end_user = visit("", status, java_script_enabled=False)
    expect(end_user.locator(".steps [data-now]")).to_contain_text("A person has it")
    tom = visit("tom", "/")
    expect(tom.get_by_text("Nothing needs you.")).to_be_visible()
    expect(tom.locator("#live")).to_have_text("live")

    live.turn(timedelta(minutes=11))
    tom.get_by_role("link", name="Refund EUR 480.00 to Anna Keller?").click()
    tom.get_by_role("button", name="I have it").click()
    expect(tom.get_by_text("You have it", exact=True)).to_be_visible()
    tom.get_by_label("amount").fill("240")
    tom.get_by_label("Reason or note").fill("The bank reversed one charge.")
    tom.get_by_role("button", name="Approve with changes").click()
    expect(tom.get_by_role("heading", name="Decided")).to_be_visible()
    resumed = [agent(live, tmp_path, "resume") for _ in range(2)]

    assert resumed == ["refund of 240.00 sent", ""]
    assert (tmp_path / "book.txt").read_text() == "8812 240.0\n"
    assert standing(live, name).closed_as == "executed"
    expect(tom.locator("#standing")).to_contain_text("Executed")
    timeline = tom.locator("#timeline")
    for told in ("Maria Lopez", "Tom Ode", "changes", "refund"):
        expect(timeline).to_contain_text(told)
    end_user.reload()
    expect(end_user.locator(".steps [data-done]")).to_have_count(4)
    expect(end_user.locator(".outcome")).to_be_visible()
