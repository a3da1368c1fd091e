"""The page of problems is written from the errors."""

from tests.docs.problems import PAGE, page


def test_the_page_of_problems_tells_every_error() -> None:
    """Whoever meets a problem finds its name, its meaning and what to do."""
    written = PAGE.read_text(encoding="utf-8")

    assert written == page(), "run: python -m tests.docs.problems"
