"""What Web Push asks of whoever sends: VAPID says who it is, RFC 8291 seals it for one device.

A push service only ever holds ciphertext; the key that opens it stays in the browser.
"""

import base64
import json
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pullcord.errors import InvalidInput

CURVE = ec.SECP256R1()
#: bytes of a private key, of an uncompressed public key, and of a browser's secret
PRIVATE_BYTES, PUBLIC_BYTES, AUTH_BYTES = 32, 65, 16
SALT_BYTES = 16
#: bytes of one record (RFC 8188); push services take one, of at most 4,096 bytes
RECORD_BYTES = 4_096
ENDPOINT_MAX = 2_000

Chance = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Device:
    """One browser that wants to be told: where its push service takes letters, and its keys."""

    endpoint: str
    public_key: bytes
    auth: bytes


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Subscription(msgspec.Struct):
    """A `PushSubscription` as browsers write it."""

    endpoint: str
    keys: _Keys


def device_of(subscription: str) -> Device:
    """The device of a subscription, as the browser's `PushSubscription` writes itself.

    Raises:
        InvalidInput: it is none, or its keys are none.
    """
    try:
        read = msgspec.json.decode(subscription, type=_Subscription)
        device = Device(read.endpoint, unpacked(read.keys.p256dh), unpacked(read.keys.auth))
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, device.public_key)
    except (msgspec.MsgspecError, ValueError):
        device = Device("", b"", b"")
    is_right = len(device.public_key) == PUBLIC_BYTES and len(device.auth) == AUTH_BYTES
    if not is_right or len(device.endpoint) > ENDPOINT_MAX:
        raise InvalidInput(
            "address",
            value="…",
            limit="a push subscription as a browser makes it",
            remedy="Link the device again from the Channels page.",
        )
    return device


def sealed(plain: bytes, device: Device, *, chance: Chance = secrets.token_bytes) -> bytes:
    """A message that only this device opens: one record of `aes128gcm` (RFC 8291 section 4).

    Two calls seal with two salts and two keys: nothing is ever sealed twice under one.
    """
    salt = chance(SALT_BYTES)
    own = private_key(chance(PRIVATE_BYTES))
    own_public = public_bytes(own.public_key())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, device.public_key)
    shared = own.exchange(ec.ECDH(), theirs)
    info = b"WebPush: info\0" + device.public_key + own_public
    material = _derived(shared, salt=device.auth, info=info, length=32)
    key = _derived(material, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(material, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    # the last record of a message ends with 2 (RFC 8188 section 2)
    body = AESGCM(key).encrypt(nonce, plain + b"\x02", None)
    return salt + struct.pack("!LB", RECORD_BYTES, len(own_public)) + own_public + body


def _derived(material: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(material)


class Vapid:
    """Says who sends, so that a push service takes from nobody else (RFC 8292).

    `key` is a private key of 32 bytes in base64url; browsers subscribe to its `public_key`.

    Raises:
        InvalidInput: it is no such key; the message does not repeat it.
    """

    def __init__(self, key: str, contact: str) -> None:
        try:
            self._key = private_key(unpacked(key))
        except ValueError:
            raise InvalidInput(
                "PULLCORD_WEBPUSH_PRIVATE_KEY",
                value="…",
                limit=f"{PRIVATE_BYTES} bytes in base64url",
                remedy="Make one with: pullcord channels webpush-key",
            ) from None
        self._contact = contact
        #: what browsers subscribe to, in base64url
        self.public_key = packed(public_bytes(self._key.public_key()))

    def authorization(self, audience: str, *, expires_at: datetime) -> str:
        """The header for one push service; `audience` is its scheme, host and port."""
        claims = {
            "aud": audience,
            "exp": int(expires_at.timestamp()),
            "sub": self._contact,
        }
        parts = [packed(_json(each)) for each in ({"typ": "JWT", "alg": "ES256"}, claims)]
        signed = ".".join(parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = packed(r.to_bytes(32) + s.to_bytes(32))
        return f"vapid t={signed}.{signature}, k={self.public_key}"


def new_private_key(*, chance: Chance = secrets.token_bytes) -> str:
    """A new private key, in base64url."""
    return packed(chance(PRIVATE_BYTES))


def private_key(raw: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key of these bytes.

    Raises:
        ValueError: they are not 32, or none between 1 and the order of the curve.
    """
    if len(raw) != PRIVATE_BYTES:
        raise ValueError(f"a private key has {PRIVATE_BYTES} bytes, this has {len(raw)}")
    return ec.derive_private_key(int.from_bytes(raw), CURVE)


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def packed(raw: bytes) -> str:
    """Bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    """Bytes of base64url, padded or not.

    Raises:
        ValueError: it is none.
    """
    plain = text.rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars="-_", validate=True)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
