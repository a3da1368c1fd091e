"""The page of the command line is written from the commands."""

from tests.docs.commands import PAGE, page


def test_the_page_of_the_command_line_tells_every_command_and_option() -> None:
    """What can be typed can be looked up, with the variable that stands for it."""
    written = PAGE.read_text(encoding="utf-8")

    assert written == page(), "run: python -m tests.docs.commands"
