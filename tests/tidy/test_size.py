"""Limits are tests: what does not fit on a screen is cut in two."""

from tests.tidy.sources import ROOT, Function, python

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600


def lines_of(function: Function) -> int:
    """Lines from `def` to the last statement, decorators left out."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    """One screen, one thought: a longer function hides what it decides."""
    long = [
        f"{source.at(function)} {function.name}: {lines_of(function)} lines"
        for source in python("src", "tests", "benchmarks")
        for function in source.functions()
        if lines_of(function) > FUNCTION_LINES_MAX
    ]

    assert not long, f"cut these below {FUNCTION_LINES_MAX + 1} lines:\n" + "\n".join(long)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """A file is one idea; a longer one holds two."""
    long = [
        f"{source.name}: {lines} lines"
        for source in python("src", "tests", "benchmarks")
        if (lines := source.text.count("\n")) > FILE_LINES_MAX
    ]
    assets = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in sorted((ROOT / "src").rglob("*.js"))
        if (lines := path.read_text(encoding="utf-8").count("\n")) > FILE_LINES_MAX
    ]

    assert not long + assets, (
        f"split these by idea, at most {FILE_LINES_MAX} lines each:\n" + "\n".join(long + assets)
    )
