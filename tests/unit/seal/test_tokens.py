"""Tokens: nobody reads them, nobody alters them, and the same facts have the same one."""

import pytest

from pullcord.seal.tokens import TOKEN_MAX, Tokens

KEY = bytes(range(32))


def test_a_token_gives_its_facts_back_and_shows_none() -> None:
    """Ids of people and escalations do not travel in the clear."""
    token = Tokens(KEY, "action").write(b"maria accepts")

    assert Tokens(KEY, "action").read(token) == b"maria accepts"
    assert "maria" not in token


def test_the_same_facts_have_the_same_token() -> None:
    """A letter sent again is the same letter."""
    assert Tokens(KEY, "action").write(b"x") == Tokens(KEY, "action").write(b"x")


@pytest.mark.parametrize("token", ["", "é", "A" * (TOKEN_MAX + 1), "no+base64", "AAAA"])
def test_what_is_no_token_is_none(token: str) -> None:
    """Anybody may send anything."""
    assert Tokens(KEY, "action").read(token) is None


def test_an_altered_foreign_or_misused_token_is_none() -> None:
    """One bit, another house, another purpose: nothing is believed."""
    token = Tokens(KEY, "action").write(b"maria accepts")
    altered = ("B" if token[0] != "B" else "C") + token[1:]

    assert Tokens(KEY, "action").read(altered) is None
    assert Tokens(bytes(32), "action").read(token) is None
    assert Tokens(KEY, "other").read(token) is None
