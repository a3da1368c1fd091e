"""`channels`: what there is to set up, and a key for Web Push."""

import re

import pytest

from pullcord.channels.webpush_sealing import Vapid
from tests.unit.cli.terminal import well


def test_a_key_for_web_push_is_made_once_and_can_be_pasted() -> None:
    """The line goes into the environment of the server as it stands."""
    first = well("channels", "webpush-key", "--contact", "mailto:ops@example.com")
    second = well("channels", "webpush-key")

    key, contact = first.out.splitlines()
    assert re.fullmatch(r"PULLCORD_WEBPUSH_PRIVATE_KEY=[\w-]{43}", key)
    assert contact == "PULLCORD_WEBPUSH_CONTACT=mailto:ops@example.com"
    assert "shown once" in first.err
    assert len(second.out.splitlines()) == 1
    assert second.out.strip() != key


def test_a_program_gets_both_halves() -> None:
    """Whoever sets servers up by program needs no other tool."""
    found = well("channels", "webpush-key", "--json").json

    assert Vapid(found["private_key"], "").public_key == found["public_key"]


def test_every_channel_says_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what of it is set here, without the value."""
    monkeypatch.setenv("PULLCORD_WEBPUSH_PRIVATE_KEY", "secret-of-this-test")

    table = well("channels", "list", env={"COLUMNS": "80"})
    rows = well("channels", "list", "--json").json

    told = {row["variable"]: row["is_needed"] for row in rows}
    assert told["PULLCORD_WEBPUSH_PRIVATE_KEY"] is True
    assert told["PULLCORD_WEBPUSH_CONTACT"] is False
    assert told["PULLCORD_WEBHOOK_SECRET"] is True
    assert [each for each in told if each not in table.out] == [], "cut off, so it cannot be copied"
    assert "PULLCORD_INTERNAL_HOSTS" in table.out
    assert "secret-of-this-test" not in table.out
