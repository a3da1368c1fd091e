"""Reading checked values out of a file: every mistake names its line, field and remedy."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from pullcord.config.yaml import Place, Places
from pullcord.errors import InvalidPolicies, InvalidPolicy

#: mistakes reported at once
PROBLEMS_MAX = 50
#: entries of one mapping, such as people:
ENTRIES_MAX = 5_000
SPAN_MAX = timedelta(days=31)

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
SPAN_PATTERN = r"([0-9]{1,6})\s*(s|m|h|d|w)"
_NAME = re.compile(NAME_PATTERN)
_SPAN = re.compile(SPAN_PATTERN)
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
NAME_LIMIT = "letters, digits, . _ - (at most 64, a letter or digit first)"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Value = TypeVar("Value")


class Problems:
    """Collects the mistakes of one policy, so that all are told at once."""

    def __init__(self, places: Places, environ: Mapping[str, str] | None) -> None:
        self._places = places
        self.environ = environ
        self._found: list[InvalidPolicy] = []

    def add(self, path: str, value: object = None, *, limit: str = "", remedy: str = "") -> None:
        """Note a mistake; what is not there has the place of what should hold it."""
        place = self.place(path)
        self.note(
            InvalidPolicy(
                path or "file",
                value=value,
                limit=limit,
                remedy=remedy,
                file=place.file,
                line=place.line,
            )
        )

    def note(self, problem: InvalidPolicy) -> None:
        """Note a mistake; only the first 50 are told."""
        if len(self._found) < PROBLEMS_MAX:
            self._found.append(problem)

    def place(self, path: str) -> Place:
        """Where a field stands, or the nearest thing that holds it."""
        while path and path not in self._places:
            path = path.rpartition("[")[0] if path.endswith("]") else path.rpartition(".")[0]
        return self._places[path]

    def settle(self) -> None:
        """Raise what was found, if anything.

        Raises:
            InvalidPolicy: one mistake, or `InvalidPolicies` for several.
        """
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise InvalidPolicies(self._found)


class Section:
    """One mapping of the file; reads fields by kind and refuses those nobody asked for."""

    def __init__(self, value: Any, path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._asked: set[str] = set()
        if value is None:
            value = {}
        if not isinstance(value, dict):
            problems.add(path, value, limit="a mapping of fields", remedy="Indent fields below it.")
            value = {}
        self._value: Mapping[str, Any] = value

    def at(self, name: str) -> str:
        """The dotted path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Any:
        """The raw value of a field."""
        self._asked.add(name)
        return self._value.get(name)

    def names(self) -> list[str]:
        """The fields that are there, in the order of the file."""
        return list(self._value)

    def refuse(self, name: str, value: object, *, limit: str = "", remedy: str = "") -> None:
        """Note a mistake in a field."""
        self.problems.add(self.at(name), value, limit=limit, remedy=remedy)

    def text(self, name: str, default: str = "", *, limit: int = 500, needed: bool = False) -> str:
        """A text; numbers are taken as they were written."""
        value = self.get(name)
        if value is None or value == "":
            if needed:
                self.refuse(name, value, limit="text", remedy=f"Write {name}: …")
            return default
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = self.problems.place(self.at(name)).written
        if not isinstance(value, str):
            self.refuse(name, value, limit="text", remedy="Write text, in quotes if need be.")
            return default
        if len(value) > limit:
            self.refuse(name, value, limit=f"at most {limit} characters", remedy="Shorten it.")
            return default
        if _VARIABLE.search(value):
            remedy = "Variables stand for contacts only; write the value itself."
            self.refuse(name, value, remedy=remedy)
            return default
        return value

    def contact(self, name: str) -> str:
        """A text that may come from the environment, such as `${env:TOM_PHONE}`.

        Without an environment, as when a stored policy is read again, it stays as written.
        """
        value = self.get(name)
        variables = _VARIABLE.findall(value) if isinstance(value, str) else []
        environ = self.problems.environ
        if not variables:
            return self.text(name)
        if environ is None:
            return str(value)
        for each in variables:
            if each not in environ:
                self.refuse(
                    name,
                    value,
                    limit="a variable that is set",
                    remedy=f"Set the variable {each}, or write the value itself.",
                )
                return ""
        return _VARIABLE.sub(lambda match: environ[match[1]], value)

    def name(self, name: str, default: str = "", *, needed: bool = False) -> str:
        """A short name of letters, digits, dot, dash and underscore."""
        value = self.text(name, default, limit=64, needed=needed)
        if value and not _NAME.fullmatch(value):
            self.refuse(name, value, limit=NAME_LIMIT)
            return default
        return value

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of a few words; yes and no may be written as booleans."""
        value = self.get(name)
        if isinstance(value, bool):
            value = "yes" if value else "no"
        options = list(allowed)
        if value is None:
            return default
        if value not in options:
            near = difflib.get_close_matches(str(value), options, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Write one of {', '.join(options)}."
            self.refuse(name, value, limit=", ".join(options), remedy=hint)
            return default
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.get(name)
        if value in ("yes", "no"):
            value = value == "yes"
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, value, limit="true or false", remedy="Write yes or no.")
            return default
        return value

    def count(self, name: str, default: int, *, low: int = 1, high: int = 100) -> int:
        """A whole number within limits."""
        value = self.get(name)
        if value is None:
            return default
        if type(value) is not int or not low <= value <= high:
            limit = f"a whole number from {low} to {high}"
            self.refuse(name, value, limit=limit, remedy="Write it without quotes.")
            return default
        return value

    def span(self, name: str) -> timedelta | None:
        """A time span such as 10m, 2h or 7d."""
        value = self.get(name)
        if value is None:
            return None
        match = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            remedy = "Write a number and its unit."
            self.refuse(name, value, limit="a span such as 30s, 10m, 2h, 7d", remedy=remedy)
            return None
        found = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        if not timedelta(seconds=1) <= found <= SPAN_MAX:
            self.refuse(name, value, limit="1s to 31d", remedy="Write a shorter or longer one.")
            return None
        return found

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, none empty; a single text is a list of one."""
        value = self.get(name)
        if value is None:
            return default
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(x, str) and x for x in items):
            self.refuse(name, value, limit="a list of texts", remedy=f"Write {name}: [one, two]")
            return default
        return tuple(items)

    def section(self, name: str) -> "Section":
        """A mapping below this one."""
        return Section(self.get(name), self.at(name), self.problems)

    def each(self, name: str, read: Callable[[str, "Section"], Value]) -> dict[str, Value]:
        """Read every entry of a mapping of mappings; closes each."""
        outer = self.section(name)
        keys = outer.names()
        found: dict[str, Value] = {}
        if len(keys) > ENTRIES_MAX:
            self.refuse(name, f"{len(keys)} entries", limit=f"at most {ENTRIES_MAX}")
            return found
        for key in keys:
            if not _NAME.fullmatch(key):
                outer.refuse(key, key, limit=NAME_LIMIT)
                continue
            inner = outer.section(key)
            found[key] = read(key, inner)
            inner.close()
        return found

    def items(self, name: str, *, limit: int) -> list["Section"]:
        """The mappings of a list."""
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > limit:
            self.refuse(name, value, limit=f"a list of at most {limit}", remedy="Begin with -.")
            return []
        path = self.at(name)
        return [Section(each, f"{path}[{at}]", self.problems) for at, each in enumerate(value)]

    def close(self) -> None:
        """Refuse every field that nobody asked for."""
        for name in self._value:
            if name not in self._asked:
                near = difflib.get_close_matches(name, self._asked, n=1)
                known = ", ".join(sorted(self._asked))
                hint = f"Did you mean {near[0]}?" if near else f"Known here: {known}."
                self.refuse(name, name, limit="a known field", remedy=hint)
