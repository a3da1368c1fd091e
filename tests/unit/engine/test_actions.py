"""Buttons and codes: bound to one act of one person, and to nothing that can be guessed."""

from datetime import UTC, datetime

from pullcord.channels.port import Verb
from pullcord.engine.actions import ALPHABET, CODE_LENGTH, Action, Actions

ACTION = Action("shop", "esc_1", 3, Verb.ACCEPT, "maria", datetime(2027, 1, 5, tzinfo=UTC))


def test_a_button_is_read_back_as_it_was_made() -> None:
    """What is pressed is exactly what was offered."""
    actions = Actions(bytes(32))

    assert actions.read(actions.token(ACTION)) == ACTION


def test_another_houses_button_is_none() -> None:
    """A token is worth nothing elsewhere."""
    assert Actions(bytes(32)).read(Actions(bytes(range(32))).token(ACTION)) is None


def test_a_code_is_short_plain_and_ones_own() -> None:
    """Typed on a phone, without letters that look alike."""
    actions = Actions(bytes(32))
    codes = {actions.code("shop", f"esc_{n}", "maria") for n in range(500)}

    assert all(len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) for code in codes)
    assert len(codes) > 490
    assert actions.code("shop", "esc_1", "maria") != actions.code("shop", "esc_1", "tom")
    assert len(set(ALPHABET)) == 32
