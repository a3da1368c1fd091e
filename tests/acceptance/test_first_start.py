"""The first start: one link, no default password, and nothing that works twice."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.served import PASSWORD, Browser, Place, pullcord, signed_in
from tests.keeping import Keeps, Kept

LINK = r"(http://\S+/setup/\S+)"


@pytest.fixture
def place(tmp_path: Path, kept: Kept) -> Place:
    """A directory that `pullcord init` was run in."""
    pullcord("init", tmp_path)
    return Place(tmp_path, kept)


@pytest.mark.promise("first-start-has-no-password")
def test_the_first_start_prints_a_link_that_works_once(place: Place) -> None:
    """No password is built in, and nobody else can be first with a link that was used."""
    policy = (place.folder / "pullcord.yaml").read_text(encoding="utf-8")
    with place.serving(policy=policy) as (server, url):
        link = server.line(LINK)[1]
        stranger = Browser(url)
        guesses = [
            stranger.http.post("/sign-in", data={"email": email, "password": password}).status_code
            for email in ("dana@example.com", "admin")
            for password in ("", "admin", "password")
        ]
        looked = stranger.http.get(link).status_code
        with signed_in(url, link) as dana:
            inbox = dana.http.get("/")
        again = stranger.spend(link, password=PASSWORD, again=PASSWORD).status_code
        entered = stranger.http.post(
            "/sign-in", data={"email": "dana@example.com", "password": PASSWORD}
        )
        stranger.close()
        code = server.end()

    assert guesses == [401] * 6
    assert looked == 200
    assert inbox.status_code == 200
    assert "Dana Weiss" in inbox.text
    assert again == 401
    assert entered.is_redirect
    assert code == 0


@pytest.mark.promise("first-start-has-no-password")
def test_once_somebody_can_sign_in_no_link_is_printed(place: Place) -> None:
    """A restart must not open a door that was closed."""
    policy = (place.folder / "pullcord.yaml").read_text(encoding="utf-8")
    with place.serving(policy=policy) as (server, url):
        first = server.line(LINK)[1]
        with signed_in(url, first):
            server.end()

    with place.serving() as (server, url):
        server.end()

    assert not [line for line in server.lines if re.search(LINK, line)]


@pytest.mark.promise("refusals-say-what-to-do")
def test_a_start_that_cannot_work_says_what_would(place: Place, keeps: Keeps) -> None:
    """A port that is taken, no policy, a broken one, a bad webhook: each in its own words."""
    policy = (place.folder / "pullcord.yaml").read_text(encoding="utf-8")
    with place.serving(policy=policy) as (_, url):
        taken = refused("--port", url.rpartition(":")[2], kept=place.kept)
    empty = keeps("empty")
    bare = refused(kept=empty)
    broken = place.folder / "bad.yaml"
    broken.write_text(policy.replace("mode: gate", "mode: wait"), encoding="utf-8")
    bad = refused("--config", broken, kept=empty)
    hook = refused("--webhook-url", "https://hook.example", kept=empty)

    assert "taken; choose another" in taken.stderr
    assert "pullcord serve --config" in bare.stderr
    assert "'wait'" in bad.stderr
    assert "openssl rand" in hook.stderr
    assert "Traceback" not in taken.stderr + bare.stderr + bad.stderr + hook.stderr


def refused(*words: str | Path, kept: Kept) -> subprocess.CompletedProcess[str]:
    """A server that does not start, because something is used wrongly."""
    port = () if "--port" in words else ("--port", "0")
    return pullcord("serve", *port, *words, kept=kept, code=2)
