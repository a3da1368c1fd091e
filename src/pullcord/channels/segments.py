"""How many SMS a text takes: 160 characters of GSM 03.38 or 70 of UCS-2, fewer when they join."""

from collections.abc import Iterable

#: the basic alphabet of GSM 03.38, one unit each
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: its extension, two units each
_EXTENDED = frozenset("\f^{}\\[~]|€")
#: what typography adds and nobody misses
_FOLDED = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00b7": "-",
        "\u00a0": " ",
    }
)
SINGLE_GSM, JOINED_GSM = 160, 153
SINGLE_WIDE, JOINED_WIDE = 70, 67


def folded(text: str) -> str:
    """The text in the smaller alphabet where only its typography stands in the way."""
    plain = text.translate(_FOLDED)
    return plain if is_gsm(plain) else text


def is_gsm(text: str) -> bool:
    """Whether every character is in the smaller alphabet."""
    return all(each in _BASIC or each in _EXTENDED for each in text)


def units(text: str) -> int:
    """Units of the alphabet the text needs: septets, or UTF-16 code units."""
    if is_gsm(text):
        return sum(2 if each in _EXTENDED else 1 for each in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """How many SMS the text takes."""
    single, joined = (SINGLE_GSM, JOINED_GSM) if is_gsm(text) else (SINGLE_WIDE, JOINED_WIDE)
    count = units(text)
    return 1 if count <= single else -(-count // joined)


def fitted(needed: Iterable[str], wished: Iterable[str]) -> str:
    """What is needed whole, with as much of what is wished as costs no further SMS.

    Both come in the order of importance; wishes go before the last needed line, the address.
    """
    *lines, last = [folded(each) for each in needed if each]
    paid = segments("\n".join([*lines, last]))
    for wish in wished:
        longer = [*lines, folded(wish)]
        if wish and segments("\n".join([*longer, last])) <= paid:
            lines = longer
    return "\n".join([*lines, last])
