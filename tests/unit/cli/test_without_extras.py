"""The command line in an environment of a visitor: nothing but what it depends on."""

import subprocess
import sys

EXTRAS = ("asyncpg", "slack_sdk", "websockets", "http_ece", "apprise", "mcp")


def test_the_command_line_starts_without_any_extra() -> None:
    """`make demo` installs none of them."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in EXTRAS)

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {hidden}; import pullcord.cli"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
