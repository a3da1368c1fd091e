"""Secrets are replaced before anybody stores or sends them, whole, and at a bounded price."""

from typing import Any

import pytest

from pullcord.briefing.redaction import DEPTH_MAX, Finding, is_card, is_iban, redact, redact_value

#: in two pieces, so that no scanner takes this file for a leak
SECRETS = [
    ("cloud key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("cloud key", "AIza" + "SyA-1234567890_abcdefghijklmnopqrstu"),
    ("git token", "ghp_" + "a1B2" * 9),
    ("git token", "github_pat_" + "11ABCDEFG0_abcdefghijklmnop"),
    ("chat token", "xoxb-" + "123456789012-abcdef"),
    ("api key", "sk-" + "proj-abcdefghijklmnopqrstuvwxyz"),
    ("api key", "sk_" + "live_abcdefghijklmnopqrstuvwxyz"),
    ("pullcord key", "pk_" + "live0a1b2c_" + "x" * 43),
    ("web token", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    (
        "private key",
        "-----BEGIN RSA " + "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE+/=\n"
        "-----END RSA PRIVATE KEY-----",
    ),
    ("private key", "-----BEGIN " + "PRIVATE KEY-----\nMIIEvg cut off here"),
]


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
def test_a_secret_is_replaced_whole(kind: str, secret: str) -> None:
    """Half a key is often enough for whoever finds it."""
    redacted = redact(f"before {secret}")

    assert redacted.text == f"before [{kind}]"
    assert redacted.found == (Finding(kind, 7, 7 + len(secret)),)


def test_a_secret_longer_than_any_known_one_is_replaced_whole() -> None:
    """Formats grow."""
    assert redact("sk-" + "a" * 5_000 + " end").text == "[api key] end"


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("card 4111 1111 1111 1111 ok", "card [card …1111] ok"),
        ("card 4111-1111-1111-1111.", "card [card …1111]."),
        ("378282246310005", "[card …0005]"),
        # beside other numbers
        ("order 1234 4111 1111 1111 1111", "order 1234 [card …1111]"),
        ("4111 1111 1111 1111 123 cvv", "[card …1111] 123 cvv"),
        ("12-4111111111111111-7", "12-[card …1111]-7"),
        # no cards
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("at 1700000000000 ms", "at 1700000000000 ms"),
        ("order 123456789012", "order 123456789012"),
        ("DE89 3704 0044 0532 0130 00 now", "[iban …0 00] now"),
        ("DE89370400440532013000", "[iban …3000]"),
        ("NO9386011117947", "[iban …7947]"),
        ("ES91 2100 0418 4502 0005 1332 EUR PAID", "[iban …1332] EUR PAID"),
        ("GB82 WEST 1234 5698 7654 33", "GB82 WEST 1234 5698 7654 33"),
        ("ABCD EFGH", "ABCD EFGH"),
    ],
)
def test_card_and_account_numbers_are_replaced_and_nothing_else(text: str, replaced: str) -> None:
    """The last characters stay, so that people can tell two cards apart."""
    assert redact(text).text == replaced


def test_addresses_and_phones_are_replaced_only_when_asked() -> None:
    """Operators often need them; exports do not."""
    text = "write to anna@example.com or +49 151 0000001"

    assert redact(text).text == text
    assert redact(text, personal=True).text == "write to [e-mail] or [phone]"


def test_overlapping_findings_are_replaced_once() -> None:
    """The longest that begins first wins."""
    text = "https://x/?t=" + "eyJ" + "hbGciOi.eyJzdWIi.4111111111111111"

    assert redact(text).text == "https://x/?t=[web token]"


def test_every_text_of_a_value_is_looked_through() -> None:
    """Tuples and lists, at every level; keys and numbers stay."""
    secret = SECRETS[0][1]
    value = {"a": [secret, {"b": secret}], secret: 4111111111111111, "t": (secret, None)}

    assert redact_value(value) == {
        "a": ["[cloud key]", {"b": "[cloud key]"}],
        secret: 4111111111111111,
        "t": ["[cloud key]", None],
    }
    assert redact_value({"m": "a@b.example"}, personal=True) == {"m": "[e-mail]"}


def test_what_is_too_deep_to_look_through_is_left_out() -> None:
    """Nesting is no way to smuggle a secret past."""
    value: Any = [SECRETS[0][1]]
    for _ in range(DEPTH_MAX + 1):
        value = [value]

    assert SECRETS[0][1] not in str(redact_value(value))
    assert "[nested too deep]" in str(redact_value(value))


def test_the_checks_of_cards_and_accounts_hold() -> None:
    """Luhn for cards, modulo 97 for accounts."""
    assert is_card("5555 5555 5555 4444")
    assert not is_card("0000 0000 0000 0000")
    assert not is_card("411111111111")
    assert not is_card("4111²")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB82 WEST 1234 5698 7654 33")


HOSTILE = ["eyJ" * 80_000, "-eyJ" * 60_000, "1 " * 100_000, "a@" * 100_000, "A" * 250_000]
HOSTILE += ["AB12 " * 50_000, "+1 " * 80_000, "1" * 250_000, "- " * 100_000, "eyJaaaaa." * 2]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_hostile_text_is_read_once_and_left_alone(text: str) -> None:
    """Patterns that look at a character again and again would take minutes for these."""
    assert redact(text, personal=True).text == text
