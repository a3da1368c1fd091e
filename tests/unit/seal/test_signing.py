"""Signatures: whatever is altered is found, whatever is genuine holds, and time runs out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullcord.seal.signing import (
    BadSignature,
    ExpiredSignature,
    Signer,
    bytes_of,
    text_of,
    verify,
    verify_decision,
)
from tests.unit.seal.chances import counted

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SIGNER = Signer.generate(counted())
KEYS = {SIGNER.key_id: SIGNER.public_key}
FACTS: dict[str, Any] = {
    "v": 1,
    "workspace": "shop",
    "escalation": "esc_1",
    "kind": "approve",
    "decided_digest": "ab" * 32,
    "option": None,
    "by": "ana",
    "expires_at": "2026-11-24T13:00:00.000000Z",
}
KEY_ID, SIGNATURE = SIGNER.sign(FACTS)


def check(facts: dict[str, Any] = FACTS, **changes: Any) -> bool:
    """Verify, with one thing changed; raises unless it holds."""
    given_facts: dict[str, Any] = {
        "key_id": KEY_ID,
        "signature": SIGNATURE,
        "public_keys": KEYS,
        **changes,
    }
    verify(facts, **given_facts)
    return True


def test_what_was_signed_is_verified_by_anybody_with_the_public_key() -> None:
    """The order of the fields does not count; their canonical form does."""
    reordered = dict(reversed(FACTS.items()))

    assert check()
    assert check(reordered)


@pytest.mark.parametrize("name", FACTS)
def test_every_altered_fact_is_found(name: str) -> None:
    """No field of a decision may be swapped, dropped or added."""
    with pytest.raises(BadSignature, match="does not belong"):
        check({**FACTS, name: "other"})
    with pytest.raises(BadSignature):
        check({key: value for key, value in FACTS.items() if key != name})


def test_an_added_fact_is_found() -> None:
    """What was not signed was not said."""
    with pytest.raises(BadSignature):
        check({**FACTS, "more": 1})


@given(at=st.integers(0, len(SIGNATURE) - 1), letter=st.sampled_from("ABCxyz019-_"))
def test_every_altered_letter_of_a_signature_is_found(at: int, letter: str) -> None:
    """Also in the last one, some of whose bits mean nothing."""
    altered = SIGNATURE[:at] + letter + SIGNATURE[at + 1 :]
    if altered == SIGNATURE:
        assert check(signature=altered)
        return

    with pytest.raises(BadSignature):
        check(signature=altered)


@pytest.mark.parametrize(
    "signature", ["", "!", "AA", "Zoë", SIGNATURE + "=", SIGNATURE + "AA", " "]
)
def test_rubbish_is_no_signature(signature: str) -> None:
    """Whatever comes from outside leads to one answer and no crash."""
    with pytest.raises(BadSignature):
        check(signature=signature)


def test_an_unknown_key_is_named() -> None:
    """The reader of the message knows which key to look for."""
    with pytest.raises(BadSignature, match="'k9', which is not known here"):
        check(key_id="k9")


def test_another_key_under_the_same_name_does_not_verify() -> None:
    """Nobody gets in by calling their key like ours; nor with a broken one."""
    other = Signer(bytes(32))

    with pytest.raises(BadSignature):
        check(public_keys={KEY_ID: other.public_key})
    with pytest.raises(BadSignature):
        check(public_keys={KEY_ID: "AA"})


def test_facts_without_a_canonical_form_are_not_verified() -> None:
    """What two parties would read differently proves nothing."""
    with pytest.raises(BadSignature):
        check({**FACTS, "v": float("nan")})


def test_a_genuine_decision_may_be_executed_until_it_expires() -> None:
    """The instant it names is already too late."""
    last = datetime(2026, 11, 24, 13, tzinfo=UTC) - timedelta(microseconds=1)
    how: dict[str, Any] = {"key_id": KEY_ID, "signature": SIGNATURE, "public_keys": KEYS}

    verify_decision(FACTS, now=last, **how)
    with pytest.raises(ExpiredSignature, match="expired at 2026-11-24 13:00:00 UTC"):
        verify_decision(FACTS, now=last + timedelta(microseconds=1), **how)


def test_a_forged_decision_is_forged_before_it_is_expired() -> None:
    """Whether it is genuine is asked first."""
    forged = {**FACTS, "expires_at": "2027-11-24T13:00:00.000000Z"}

    with pytest.raises(BadSignature):
        verify_decision(forged, key_id=KEY_ID, signature=SIGNATURE, public_keys=KEYS, now=NOON)


@pytest.mark.parametrize("facts", [{"root": "ab"}, {"expires_at": "never"}])
def test_something_else_we_signed_is_no_decision(facts: dict[str, str]) -> None:
    """A signed root must not pass as a permission that never ends."""
    key_id, signature = SIGNER.sign(facts)

    with pytest.raises(BadSignature, match="no decision"):
        verify_decision(facts, key_id=key_id, signature=signature, public_keys=KEYS, now=NOON)


def test_a_key_is_known_by_the_digest_of_its_public_half() -> None:
    """The same seed gives the same key, another another."""
    assert Signer(bytes(32)).key_id == Signer(bytes(32)).key_id
    assert Signer.generate(counted(7)).key_id != SIGNER.key_id
    assert len(SIGNER.key_id) == 16


@given(raw=st.binary(max_size=80))
def test_bytes_have_one_text_and_come_back(raw: bytes) -> None:
    """No padding, nothing a URL would change."""
    text = text_of(raw)

    assert bytes_of(text) == raw
    assert not set(text) & set("+/=")


@pytest.mark.parametrize("text", ["AB", "A", "A+", "A/", "A=", "Aé", "A A"])
def test_text_that_is_not_the_one_of_its_bytes_is_refused(text: str) -> None:
    """Two texts for one signature would be two signatures to whoever counts them."""
    with pytest.raises(ValueError, match=r".+"):
        bytes_of(text)
