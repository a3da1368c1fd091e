"""Take the pictures of the documentation: `python -m tests.pictures [FOLDER]`."""

import asyncio
import sys
from pathlib import Path

from tests.conformance.channels.email_double import html_of
from tests.pictures.camera import browser, taken
from tests.pictures.mails import mails

DOCS = Path(__file__).resolve().parents[2] / "docs/pictures"


def main(folder: Path) -> None:
    """Every picture anew."""
    folder.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(mails())
    with browser() as chromium:
        for name, raw in found.items():
            for file in taken(chromium, html_of(raw), folder, f"mail-{name}"):
                sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
