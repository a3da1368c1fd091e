"""Writes docs/reference/problems.md from the errors; run it as `python -m tests.docs.problems`."""

from collections.abc import Iterator

from pullcord import errors
from pullcord.server.problems import BARE, status_of
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/reference/problems.md"

TABLE_HEAD = "| name | exception | status | meaning |\n|---|---|---|---|\n"

HEAD = """\
# Problems

Every error has one stable name. On the wire it is the last part of `type`,
`urn:pullcord:problem:NAME`, in a problem document (RFC 9457) whose `detail` says what to do; in
Python it is an exception of `pullcord.errors`. This page is written from the code:
`python -m tests.docs.problems`.
"""

PARTS = (
    (errors.CallerIsWrong, "The caller is wrong", "Say it differently; nothing was changed."),
    (errors.WorldMovedOn, "The world moved on", "It was possible, but somebody was first."),
    (errors.OutsideFailed, "Something outside failed", "The same request may be sent again."),
)

IN_THE_CLIENT = """\
## In the client

These never travel: the SDK raises them where the guarded call was made. `Parked` is not an error.
All have `for_model` and `for_user`, sentences that may be passed on as they are.

| name | exception | meaning |
|---|---|---|
"""

OF_THE_ROUTER = """
## Of the router

| name | status |
|---|---|
"""


def kinds(parent: type[errors.PullcordError]) -> Iterator[type[errors.PullcordError]]:
    """Every error below one, in the order of the tree."""
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def first_line(kind: type[errors.PullcordError]) -> str:
    """The sentence that says what an error means."""
    return (kind.__doc__ or "").splitlines()[0]


def status(kind: type[errors.PullcordError]) -> str:
    """The status code an error answers with; a rate differs from a size."""
    if kind is errors.TooMuch:
        return "413 for a size, 429 for a rate"
    blank = kind.__new__(kind)
    code = status_of(blank)
    return str(code)


def page() -> str:
    """The whole page."""
    text = HEAD
    for parent, title, remark in PARTS:
        text += f"\n## {title}\n\n{remark}\n\n{TABLE_HEAD}"
        for kind in kinds(parent):
            text += (
                f"| `{kind.problem}` | `{kind.__name__}` | {status(kind)} | {first_line(kind)} |\n"
            )
    text += "\n" + IN_THE_CLIENT
    in_the_client: list[type[errors.PullcordError]] = [errors.Parked, *kinds(errors.NotDone)]
    for kind in in_the_client:
        text += f"| `{kind.problem}` | `{kind.__name__}` | {first_line(kind)} |\n"
    text += OF_THE_ROUTER
    for code, name in BARE.items():
        text += f"| `{name}` | {code} |\n"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
