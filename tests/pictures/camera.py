"""The camera: HTML becomes pictures as people see it, in light and dark, on desk and phone.

`python -m tests.pictures` takes the pictures of the documentation. Whoever renders something of
their own (a chat message as blocks, say) hands over HTML that loads nothing.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("PULLCORD_CHROMIUM", "/usr/bin/chromium")


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at it."""

    width: int
    scheme: str


LOOKS: Mapping[str, Look] = {
    "light": Look(720, "light"),
    "dark": Look(720, "dark"),
    "phone-light": Look(390, "light"),
    "phone-dark": Look(390, "dark"),
}


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, the system's if there is one."""
    found = CHROMIUM if Path(CHROMIUM).exists() else None
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield made
        made.close()


@contextmanager
def shown(chromium: Browser, html: str, look: Look) -> Iterator[Page]:
    """A page with this HTML, looked at like that; nothing it asks for is loaded."""
    context = chromium.new_context(
        viewport={"width": look.width, "height": 200},
        color_scheme="dark" if look.scheme == "dark" else "light",
        offline=True,
    )
    page = context.new_page()
    page.set_content(html)
    yield page
    context.close()


def taken(chromium: Browser, html: str, folder: Path, name: str) -> list[Path]:
    """One picture a look, as name-light.png and so on."""
    files = []
    for kind, look in LOOKS.items():
        file = folder / f"{name}-{kind}.png"
        with shown(chromium, html, look) as page:
            page.screenshot(path=file, full_page=True)
        files.append(file)
    return files
