"""Pins: what a tool was when it was first seen, in a file that is believed or refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pullcord.client.keys import kind_of
from pullcord.errors import InvalidInput, NotDone
from pullcord.gateway import pins as pinning
from pullcord.gateway.pins import Pins

LONG: dict[str, Any] = {"b" * 300: {}, "c" * 300: {}}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def tool(description: str = "Spends.", **parameters: Any) -> dict[str, Any]:
    """One tool as a server lists it."""
    schema = {"type": "object", "properties": parameters}
    return {"name": "spend", "description": description, "inputSchema": schema}


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (tool(a={}), tool(a={}, b={}), "new parameters b"),
        (tool(a={}, b={}), tool(a={}), "parameters gone b"),
        (tool(a={}), tool(a={"type": "string"}), "parameters changed a"),
        (tool(), tool("Spends a lot."), "its description changed"),
        (tool(), {**tool(), "inputSchema": {"type": "array"}}, "its schema changed"),
        (tool(), {**tool(), "inputSchema": {"x": 1e999}}, "its schema changed"),
        (tool(), {**tool(), "inputSchema": {"properties": LONG}}, "…"),
    ],
    ids=["more", "less", "other", "words", "schema", "unreadable", "long"],
)
def test_what_has_changed_is_said(then: Any, now: Any, said: str) -> None:
    """Whoever is asked to let a changed tool run must see how it has changed."""
    pins = Pins(None)
    pins.see([then], NOON)
    pins.see([now], NOON)

    change = pins.change_of("spend")
    pins.accept("spend")

    assert change.startswith("spend is not what it was on 2026-03-02: ")
    assert said in change
    assert len(change) <= pinning.SAID_MAX
    assert pins.change_of("spend") == ""


def test_what_is_no_tool_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may list what it likes; a limit stands on everything that is kept."""
    monkeypatch.setattr(pinning, "TOOLS_MAX", 1)
    pins = Pins(None)

    for listed in (None, "spend", ["spend", {"name": 5}, tool(), {**tool(), "name": "other"}]):
        pins.see(listed, NOON)

    assert pins.change_of("other") == ""
    assert pins.change_of("never seen") == ""
    assert set(pins._now) == {"spend"}


def test_pins_outlive_the_process_and_a_broken_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot read what was trusted must not begin to trust anew."""
    path = tmp_path / "pins/shop.json"
    Pins(path).see([tool()], NOON)
    later = Pins(path)
    later.see([tool("Other.")], NOON)
    monkeypatch.setattr(pinning, "FILE_BYTES_MAX", 10)

    assert "its description changed" in later.change_of("spend")
    with pytest.raises(InvalidInput, match="has more than 10 bytes"):
        Pins(path)


def test_a_call_without_one_form_is_not_asked_about() -> None:
    """What cannot be shown in one way cannot be decided on."""
    with pytest.raises(NotDone, match="was not run"):
        kind_of("spend", {"amount": float("nan")})
