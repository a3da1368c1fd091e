"""`pullcord demo`: one command, one link, and a console that lives."""

import time
from pathlib import Path

import pytest

from tests.acceptance.served import COMMAND, Browser, running


@pytest.mark.promise("demo-lives-at-once")
def test_the_demo_signs_in_by_its_link_and_something_new_is_decided(tmp_path: Path) -> None:
    """From the command to a decision made just now; how long it took is printed, not judged."""
    began = time.monotonic()
    words = ("demo", "--no-browser", "--port", "0", "--data", tmp_path)
    with running(*COMMAND, *words) as demo:
        url, path = demo.line(r"(http://[^/]+)(/welcome/\S+)").groups()
        linked = time.monotonic() - began
        visitor = Browser(url)
        assert visitor.spend(path).is_redirect
        before = {each["id"] for each in _decided(visitor)}
        fresh = visitor.until(lambda: [e for e in _decided(visitor) if e["id"] not in before])
        decided = time.monotonic() - began
        again = Browser(url)
        spent = again.spend(path).status_code
        again.close()
        inbox = visitor.http.get("/").text
        visitor.close()
        code = demo.end()
    print(f"link after {linked:.1f} s, first decision after {decided:.1f} s")

    assert len(before) >= 10
    assert fresh[0]["decision"]["kind"]
    assert fresh[0]["owner"]["id"] != "you"
    assert spent == 401
    assert "You (visitor)" in inbox
    assert code == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["demo.db", "demo.db.key"]


def _decided(visitor: Browser) -> list[dict[str, object]]:
    """Everything that is decided, whoever did it."""
    answer = visitor.http.get("/v1/escalations", params={"limit": 100})
    assert answer.is_success, answer.text
    return [each for each in answer.json()["escalations"] if each["decision"]]
