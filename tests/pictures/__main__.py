"""Take all pictures: `make pictures`."""

import asyncio
import shutil
import sys
from pathlib import Path

from tests.conformance.channels.email_double import html_of
from tests.pictures.camera import browser, taken
from tests.pictures.mails import mails

ROOT = Path(__file__).resolve().parents[2]
#: every picture, to look at
ALL = ROOT / ".artifacts/pictures"
#: those that the documentation shows
DOCS = ROOT / "docs/pictures"


def main() -> None:
    """Every picture anew; the documentation's take their place there."""
    ALL.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(mails())
    with browser() as chromium:
        for name, raw in found.items():
            for file in taken(chromium, html_of(raw), ALL, f"mail-{name}"):
                sys.stdout.write(f"{file}\n")
                if (DOCS / file.name).exists():
                    shutil.copy(file, DOCS)


if __name__ == "__main__":
    main()
