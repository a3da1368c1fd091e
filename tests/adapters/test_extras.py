"""Whoever imports an adapter without its framework reads what to type."""

import importlib
import sys

import pytest

from tests.adapters.places import FRAMEWORKS

EXTRAS = {"claude_agent": "claude-agent-sdk"}


@pytest.mark.parametrize("adapter", FRAMEWORKS)
def test_a_framework_that_is_missing_is_named_by_its_extra(
    adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`No module named 'agents'` would send people to another package of that name."""
    monkeypatch.setattr("pullcord.adapters.extras.find_spec", lambda _: None)
    monkeypatch.delitem(sys.modules, f"pullcord.adapters.{adapter}", raising=False)
    extra = EXTRAS.get(adapter, adapter.replace("_", "-"))

    with pytest.raises(ModuleNotFoundError) as missing:
        importlib.import_module(f"pullcord.adapters.{adapter}")

    assert f"pip install 'pullcord[{extra}]'" in str(missing.value)
