"""Sealed storage: private, tamper-evident, erasable, and bounded when it is opened."""

import importlib.util
import sys
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pullcord.seal import sealing
from pullcord.seal.sealing import (
    COMPRESSED_FROM,
    UNSEALED_BYTES_MAX,
    SealBroken,
    Vault,
    commitment,
    item_key,
    unseal_with,
)

MASTER = bytes(range(32))
SALT = bytes(range(32, 64))
VAULT = Vault(MASTER)


def sealed(plaintext: bytes = b'{"amount":480}', name: str = "shown") -> bytes:
    """A content of esc_1."""
    return VAULT.seal("shop", "esc_1", name, plaintext, SALT)


@given(plaintext=st.binary(max_size=3 * COMPRESSED_FROM))
def test_what_is_sealed_comes_back(plaintext: bytes) -> None:
    """Byte for byte, small and large."""
    assert VAULT.unseal("shop", "esc_1", "shown", sealed(plaintext), SALT) == plaintext


@pytest.mark.parametrize("size", [0, 1, COMPRESSED_FROM, COMPRESSED_FROM + 1, 300_000])
def test_sizes_around_every_limit_come_back(size: int) -> None:
    """Compression begins above a limit and changes nothing but the size."""
    ciphertext = sealed(b"a" * size)

    assert VAULT.unseal("shop", "esc_1", "shown", ciphertext, SALT) == b"a" * size
    assert (len(ciphertext) < size + 17) == (size > COMPRESSED_FROM)


def test_nothing_of_the_content_is_readable() -> None:
    """Neither text nor its compressed form."""
    assert b"amount" not in sealed()


@pytest.mark.parametrize("at", range(0, 31, 3))
def test_every_altered_byte_is_found(at: int) -> None:
    """Sealed means: as it was, or not at all."""
    ciphertext = bytearray(sealed())
    ciphertext[at] ^= 1

    with pytest.raises(SealBroken, match="altered, or sealed with another master key"):
        VAULT.unseal("shop", "esc_1", "shown", bytes(ciphertext), SALT)


@pytest.mark.parametrize("ciphertext", [b"", b"short", bytes(16)])
def test_what_is_too_short_to_be_sealed_is_refused(ciphertext: bytes) -> None:
    """A cut file is found like a changed one."""
    with pytest.raises(SealBroken):
        VAULT.unseal("shop", "esc_1", "shown", ciphertext, SALT)


@pytest.mark.parametrize(
    "place",
    [
        ("other", "esc_1", "shown", SALT),
        ("shop", "esc_2", "shown", SALT),
        ("shop", "esc_1", "decision/2", SALT),
        ("shop", "esc_1", "shown", bytes(32)),
    ],
)
def test_a_content_opens_only_in_its_own_place(place: tuple[str, str, str, bytes]) -> None:
    """Moved to another workspace, escalation, name or salt it is as good as erased."""
    workspace, chain, name, salt = place

    with pytest.raises(SealBroken):
        VAULT.unseal(workspace, chain, name, sealed(), salt)


def test_another_master_key_opens_nothing() -> None:
    """A stolen database without the key is a heap of bytes."""
    with pytest.raises(SealBroken):
        Vault(bytes(32)).unseal("shop", "esc_1", "shown", sealed(), SALT)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_has_thirty_two_bytes(length: int) -> None:
    """A short key would be a weak one that looks fine."""
    with pytest.raises(ValueError, match=f"has {length} bytes; it must have 32"):
        Vault(bytes(length))


def test_a_salt_of_another_length_is_a_bug() -> None:
    """The fixed nonce is safe only under a fresh full-length salt."""
    with pytest.raises(AssertionError, match="a salt of 16 bytes"):
        VAULT.seal("shop", "esc_1", "shown", b"", bytes(16))


def test_one_content_may_be_opened_to_an_auditor_without_the_master_key() -> None:
    """Its key opens it and no other."""
    key = item_key(MASTER, "shop", "esc_1", "shown", SALT)

    assert key == VAULT.key_of("shop", "esc_1", "shown", SALT)
    assert unseal_with(key, sealed()) == b'{"amount":480}'
    with pytest.raises(SealBroken):
        unseal_with(key, sealed(name="decision/2"))


def bomb(unfolds_to: int) -> tuple[bytes, bytes]:
    """A small content that unfolds to so many bytes: (its key, the ciphertext)."""
    key = item_key(MASTER, "shop", "esc_1", "shown", SALT)
    body = b"\x01" + zlib.compress(bytes(unfolds_to), 9)
    return key, AESGCM(key).encrypt(bytes(12), body, None)


def test_a_content_that_unfolds_without_end_is_refused() -> None:
    """A hundred megabytes from a few kilobytes do not take the server down."""
    key, ciphertext = bomb(100 * 1_048_576)
    assert len(ciphertext) < 200_000

    with pytest.raises(SealBroken, match=f"more than {UNSEALED_BYTES_MAX} bytes"):
        unseal_with(key, ciphertext)


@pytest.mark.parametrize(("over", "opens"), [(0, True), (1, False), (200, False)])
def test_the_limit_is_exact_and_nothing_is_cut_off_unseen(
    monkeypatch: pytest.MonkeyPatch, over: int, opens: bool
) -> None:
    """A content slightly over it is refused, never returned short."""
    monkeypatch.setattr(sealing, "UNSEALED_BYTES_MAX", 10_000)
    key, ciphertext = bomb(10_000 + over)

    if opens:
        assert len(unseal_with(key, ciphertext)) == 10_000
        return
    with pytest.raises(SealBroken):
        unseal_with(key, ciphertext)


def test_what_could_not_be_opened_again_is_not_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused while the caller still has it, not when somebody needs it."""
    monkeypatch.setattr(sealing, "UNSEALED_BYTES_MAX", 10)

    with pytest.raises(ValueError, match="shown: 11 bytes; at most 10"):
        sealed(b"x" * 11)


def test_a_commitment_survives_the_erasure_of_what_it_is_over() -> None:
    """The chain keeps a number that proves the content while it is there, and no more."""
    ciphertext = sealed()
    kept = commitment(SALT, ciphertext)

    assert kept == commitment(SALT, ciphertext)
    assert kept != commitment(SALT, ciphertext + b"\x00")
    assert kept != commitment(bytes(32), ciphertext)
    assert len(kept) == 64


def test_equal_contents_under_other_salts_look_different() -> None:
    """Nobody recognises a repeated refund by its ciphertext or commitment."""
    other = VAULT.seal("shop", "esc_1", "shown", b'{"amount":480}', bytes(32))

    assert other != sealed()
    assert commitment(SALT, sealed()) != commitment(bytes(32), other)


@given(name=st.text(max_size=40), salt=st.binary(min_size=32, max_size=32))
def test_the_key_of_a_content_is_the_standard_s(name: str, salt: bytes) -> None:
    """HKDF of RFC 5869, as another implementation has it: content of years ago still opens."""
    info = b"\x00".join((b"pullcord sealed v1", b"shop", b"esc_1", name.encode()))

    expected = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(MASTER)

    assert item_key(MASTER, "shop", "esc_1", name, salt) == expected


def test_a_machine_without_the_faster_compressor_seals_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not made for every machine, and a database moves from one to another."""
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    spec = importlib.util.spec_from_file_location("plain_sealing", sealing.__file__)
    assert spec is not None
    assert spec.loader is not None
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)

    long = b"Refund me. " * 1_000
    there = plain.Vault(MASTER).seal("shop", "esc_1", "shown", long, SALT)

    assert plain.compress is zlib.compress
    assert VAULT.unseal("shop", "esc_1", "shown", there, SALT) == long
    assert plain.Vault(MASTER).unseal("shop", "esc_1", "shown", sealed(long), SALT) == long
