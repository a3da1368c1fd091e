"""The matrix of adapters: what the conformance suite showed, and the table made of it.

Each environment keeps what it showed in `results/`, with PULLCORD_WRITE_MATRIX=1; without, a run
that shows anything else fails. `python -m tests.adapters.matrix` writes the table into the page.
"""

import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.adapters.places import FRAMEWORKS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "reference" / "adapters.md"
BEGIN, END = "<!-- matrix: made by the conformance suite -->", "<!-- end of the matrix -->"
SUITES = ("test_conformance.py", "test_never_open.py")

#: what this run has shown so far
SHOWN: dict[str, str] = {}


def rows() -> list[str]:
    """Every scenario that the suites show, in their order."""
    text = "".join((HERE / name).read_text() for name in SUITES)
    return re.findall(r'mark\.shows\("([^"]+)"\)', text)


def settle(name: str) -> str:
    """Keep what was shown, or say where it differs from what is kept."""
    place = import_module(FRAMEWORKS[name][1]).open_place
    framework = place.__annotations__["return"].framework
    path = HERE / "results" / f"{name}.json"
    shown = {
        "framework": framework.name,
        "package": framework.package,
        "capabilities": list(framework.capabilities),
        "shows": {row: SHOWN[row] for row in rows()},
    }
    if os.environ.get("PULLCORD_WRITE_MATRIX"):
        text = json.dumps({**shown, "version": framework.version}, indent=2)
        path.write_text(f"{text}\n")
        return ""
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept.pop("version", None)
    if kept == shown:
        return ""
    return f"{name} shows {shown}, and {path.name} says {kept}: set PULLCORD_WRITE_MATRIX=1"


def results() -> list[dict[str, Any]]:
    """What every framework showed."""
    return [json.loads((HERE / "results" / f"{name}.json").read_text()) for name in FRAMEWORKS]


def locked(lock: str, package: str) -> str:
    """The version of a package in one of the adapters' locks."""
    text = (ROOT / "requirements" / f"adapters-{lock}.txt").read_text()
    found = re.search(rf"^{re.escape(package)}==([^ ;]+)", text, re.MULTILINE)
    assert found, f"{package} is not in requirements/adapters-{lock}.txt"
    return found[1]


def table() -> str:
    """The matrix as the page has it."""
    found = results()
    heads = [f"{each['framework']} {each['version']}" for each in found]
    lines = [_line(["", *heads]), _line(["---"] * (len(found) + 1))]
    oldest = [
        locked(f"{name}-oldest", each["package"])
        for name, each in zip(FRAMEWORKS, found, strict=True)
    ]
    lines.append(_line(["oldest version that passes", *oldest]))
    names = ("edit_args", "partial_resume", "reason_on_reject", "note_on_approve", "durable")
    lines += [_line([f"`{name}`", *(_has(each, name) for each in found)]) for name in names]
    lines += [_line([row, *(each["shows"][row] for each in found)]) for row in rows()]
    return "\n".join(lines)


def _has(result: dict[str, Any], capability: str) -> str:
    return "yes" if capability in result["capabilities"] else "–"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """The page with the matrix as it should be now."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
