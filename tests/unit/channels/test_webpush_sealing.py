"""Sealing and signing of Web Push against the standards' own examples."""

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pullcord.channels.webpush_sealing import (
    Device,
    Vapid,
    device_of,
    new_private_key,
    packed,
    private_key,
    public_bytes,
    sealed,
    unpacked,
)
from pullcord.errors import InvalidInput
from tests.unit.channels.letters import NOW

# RFC 8291, section 5 and appendix A
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)
DEVICE = Device("https://push.example.net/push/1", unpacked(RECEIVER_PUBLIC), unpacked(AUTH))


def test_the_example_of_the_standard_is_sealed_byte_for_byte() -> None:
    """One wrong byte and no browser opens it, without a word to anybody."""
    chances = iter([unpacked(SALT), unpacked(SENDER)])

    found = sealed(PLAIN, DEVICE, chance=lambda _: next(chances))

    assert packed(found) == SEALED


@pytest.mark.parametrize("size", [0, 1, 41, 3_072, 3_993])
def test_another_implementation_opens_what_was_sealed(size: int) -> None:
    """Browsers are other implementations."""
    plain = bytes(number % 251 for number in range(size))

    found = sealed(plain, DEVICE)

    key = private_key(unpacked(RECEIVER))
    opened = http_ece.decrypt(found, private_key=key, auth_secret=DEVICE.auth, version="aes128gcm")
    assert opened == plain
    assert len(found) <= 4_096


def test_nothing_is_sealed_twice_alike() -> None:
    """The same words twice must not look the same to whoever carries them."""
    assert sealed(PLAIN, DEVICE) != sealed(PLAIN, DEVICE)


def test_the_same_key_has_the_same_public_key() -> None:
    """Browsers subscribe to the public key: it must not change at a restart."""
    key = new_private_key()
    public = Vapid(key, "mailto:a@example.com").public_key

    assert public == Vapid(key + "=", "https://b.example").public_key
    assert public == packed(public_bytes(private_key(unpacked(key)).public_key()))
    assert public != Vapid(new_private_key(), "mailto:a@example.com").public_key


def test_the_header_names_sender_audience_and_end() -> None:
    """What a push service checks before it takes anything."""
    vapid = Vapid(SENDER, "mailto:ops@example.com")

    scheme, token, key = vapid.authorization("https://push.example.net", expires_at=NOW).split()

    assert scheme == "vapid"
    assert key == f"k={vapid.public_key}"
    head, claims, signature = token.removeprefix("t=").rstrip(",").split(".")
    assert unpacked(head) == b'{"typ":"JWT","alg":"ES256"}'
    assert b'"aud":"https://push.example.net"' in unpacked(claims)
    assert f'"exp":{int(NOW.timestamp())}'.encode() in unpacked(claims)
    assert len(unpacked(signature)) == 64


@pytest.mark.parametrize(
    "key", ["", "abc", "not base64!", packed(bytes(32)), packed(bytes(33)), "é"]
)
def test_a_wrong_key_is_refused_without_being_told(key: str) -> None:
    """The message is read in logs."""
    with pytest.raises(InvalidInput, match="pullcord channels webpush-key") as refused:
        Vapid(key, "mailto:ops@example.com")

    assert not key or key not in str(refused.value)


def test_a_subscription_is_read_as_browsers_write_it() -> None:
    """With or without padding, and with what else browsers add."""
    keys = f'{{"p256dh": "{RECEIVER_PUBLIC}=", "auth": "{AUTH}=="}}'
    text = f'{{"endpoint": "{DEVICE.endpoint}", "expirationTime": null, "keys": {keys}}}'

    assert device_of(text) == DEVICE


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("p256dh", AUTH),
        ("p256dh", "A" * 87),
        ("p256dh", "!"),
        ("auth", RECEIVER_PUBLIC),
        ("auth", ""),
        ("endpoint", "https://push.example.net/" + "x" * 2_000),
    ],
)
def test_a_subscription_that_nobody_can_open_is_refused(part: str, value: str) -> None:
    """Told to the person in front of the browser, not at night by a letter that fails."""
    parts = {"endpoint": DEVICE.endpoint, "p256dh": RECEIVER_PUBLIC, "auth": AUTH, part: value}
    keys = f'{{"p256dh": "{parts["p256dh"]}", "auth": "{parts["auth"]}"}}'

    with pytest.raises(InvalidInput, match="push subscription"):
        device_of(f'{{"endpoint": "{parts["endpoint"]}", "keys": {keys}}}')


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"endpoint": 1}', "{"])
def test_what_is_no_subscription_is_refused(text: str) -> None:
    """Anything may be sent to a form."""
    with pytest.raises(InvalidInput, match="push subscription"):
        device_of(text)


def test_a_key_of_the_wrong_length_is_none() -> None:
    """Before the curve is asked."""
    with pytest.raises(ValueError, match="has 32 bytes, this has 31"):
        private_key(bytes(31))
    assert isinstance(private_key(bytes(31) + b"\x01"), ec.EllipticCurvePrivateKey)
