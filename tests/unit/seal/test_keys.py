"""Keys, passwords and tokens: shown once, kept as hashes, compared in constant time."""

import pytest

from pullcord.seal import keys
from pullcord.seal.keys import (
    PASSWORD_LENGTH_MAX,
    check_password,
    derived,
    digest_of,
    hash_password,
    matches,
    mint,
    parse_key,
    token,
)
from tests.unit.seal.chances import counted

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("environment", "label"), [("production", "live"), ("test", "test"), ("staging", "test")]
)
def test_a_key_shows_its_environment_and_comes_back_apart(environment: str, label: str) -> None:
    """Whoever finds one in a log sees at once how bad that is."""
    shown, key_id, kept = mint(environment, counted())

    assert shown.startswith(f"pk_{label}{key_id}_")
    parsed = parse_key(shown)
    assert parsed is not None
    assert parsed[0] == key_id
    assert matches(parsed[1], kept)
    assert kept not in shown
    assert parsed[1] not in kept


def test_a_secret_with_an_underscore_is_read_whole() -> None:
    """The alphabet of a secret has one; the first two underscores divide."""
    assert parse_key("pk_liveab12_s_e_c") == ("ab12", "s_e_c")


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "pk",
        "pk_",
        "pk_live12",
        "pk_live12_",
        "pk_live_secret",
        "sk_live12_s",
        "pk_prod12_s",
        "x",
    ],
)
def test_what_is_no_key_is_none(shown: str) -> None:
    """Rubbish in a header is a missing key, not an error."""
    assert parse_key(shown) is None


def test_two_keys_are_two() -> None:
    """From the same source of chance, one after another."""
    chance = counted()

    assert len({mint("production", chance)[1] for _ in range(50)}) == 50


def test_another_secret_does_not_match() -> None:
    """Not a prefix, not a longer one, not text that no client could have been given."""
    kept = digest_of("secret")

    assert matches("secret", kept)
    for other in ("", "secre", "secrets", "SECRET", "s\ud800"):
        assert not matches(other, kept)


def test_a_token_has_192_bits_and_is_kept_as_its_hash() -> None:
    """A leaked database opens no session."""
    shown, kept = token(counted())

    assert len(shown) == 32
    assert kept == digest_of(shown)


def test_a_password_is_checked_against_its_hash() -> None:
    """argon2id, with a salt of its own each time."""
    kept = hash_password(PASSWORD)

    assert kept.startswith("$argon2id$")
    assert check_password(PASSWORD, kept)
    assert not check_password(PASSWORD + "!", kept)
    assert hash_password(PASSWORD) != kept


@pytest.mark.parametrize("length", [0, 11, PASSWORD_LENGTH_MAX + 1])
def test_a_password_too_short_or_too_long_is_refused_with_its_length(length: int) -> None:
    """Short ones are guessed, endless ones keep the server busy."""
    with pytest.raises(ValueError, match=f"this one has {length}"):
        hash_password("x" * length)


def test_a_longer_password_is_not_the_shorter_one_it_begins_with() -> None:
    """What is cut off to bound the work still counts."""
    kept = hash_password("x" * PASSWORD_LENGTH_MAX)

    assert check_password("x" * PASSWORD_LENGTH_MAX, kept)
    assert not check_password("x" * (PASSWORD_LENGTH_MAX + 1), kept)


@pytest.mark.parametrize("kept", ["", "rubbish", "$argon2id$v=19$m=1$"])
def test_an_unusable_hash_takes_as_long_and_fits_nothing(
    kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an answer must not tell which accounts exist: a real check is made."""
    asked: list[str] = []
    verify = keys._HASHER.verify

    class Watched:
        def verify(self, against: str, password: str) -> bool:
            asked.append(against)
            return verify(against, password)

    nobodys = keys._nobodys_hash()
    monkeypatch.setattr(keys, "_HASHER", Watched())

    assert not check_password(PASSWORD, kept)
    assert asked == [kept, nobodys]


def test_a_password_that_is_no_text_fits_nothing() -> None:
    """A lone surrogate in a form is a wrong password, not a crash."""
    assert not check_password("x" * 12 + "\ud800", hash_password(PASSWORD))
    with pytest.raises(ValueError, match="surrogates"):
        hash_password("x" * 12 + "\ud800")


def test_one_master_secret_gives_each_purpose_its_own_key() -> None:
    """A key that leaks for one purpose opens no other."""
    master = bytes(range(32))

    assert derived(master, "vault") == derived(master, "vault")
    assert derived(master, "vault") != derived(master, "signing")
    assert len(derived(master, "vault")) == 32
    with pytest.raises(ValueError, match="has 5 bytes; it must have 32"):
        derived(b"short", "vault")
