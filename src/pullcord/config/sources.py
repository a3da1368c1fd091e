"""One file or a directory with one steward per file, as one text that can be read again.

A directory becomes a stream of its files, each under a header with its name:

    # file: billing.yaml
    ---
    steward: maria
    rules: [...]

Each file is read on its own, so every mistake has the file and line a person finds it at. The
stream is what is stored and digested; `read` takes it as it takes a single file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullcord.config.yaml import SOURCE_BYTES_MAX, Place, Places, load
from pullcord.errors import InvalidInput, InvalidPolicy

FILES_MAX = 100

_HEADER = re.compile(r"^# file: (?P<name>[^\n/]{1,200})\n---\n", re.MULTILINE)
_RULE = re.compile(r"rules\[(\d+)\]")
#: sections of which every file may hold a part
_SHARED = ("people", "teams", "schedules", "ladders", "agents", "tools", "defaults")
#: what every file may say again, if it says the same
_REPEATED = ("workspace", "name", "timezone")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a policy."""

    file: str
    text: str


def source_of(path: Path) -> str:
    """The text of a file, or of all *.yaml of a directory as one stream.

    Raises:
        InvalidInput: there is no such file, or nothing in it that can be read.
    """
    if path.is_file():
        return _text_of(path)
    if not path.is_dir():
        raise InvalidInput(
            "file", value=str(path), limit="a file or directory", remedy="Check the path."
        )
    files = sorted(path.glob("*.yaml"))
    if not 1 <= len(files) <= FILES_MAX:
        raise InvalidInput(
            "file",
            value=f"{len(files)} files that end in .yaml in {path}",
            limit=f"1 to {FILES_MAX} of them",
            remedy="Name each NAME.yaml, directly in this directory.",
        )
    return stream([Part(each.name, _text_of(each)) for each in files])


def _text_of(path: Path) -> str:
    size = path.stat().st_size
    if size > SOURCE_BYTES_MAX:
        raise InvalidInput(
            "file", value=f"{size} bytes in {path}", limit="1 MiB", remedy="Split it."
        )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "file",
            value=f"{path}, byte {error.start}",
            limit="UTF-8 text",
            remedy="Save it as UTF-8.",
        ) from None


def stream(parts: Sequence[Part]) -> str:
    """Several files as one text."""
    return "".join(f"# file: {each.file}\n---\n{each.text.rstrip()}\n" for each in parts)


def parts_of(source: str, file: str) -> list[Part]:
    """The files of a text: itself, unless it begins with the header of a stream."""
    if not _HEADER.match(source):
        return [Part(file, source)]
    headers = list(_HEADER.finditer(source))
    ends = [each.start() for each in headers[1:]] + [len(source)]
    return [
        Part(header["name"], source[header.end() : end])
        for header, end in zip(headers, ends, strict=True)
    ]


@dataclass(slots=True)
class Merged:
    """Several files as one: what they say together, and where each thing stands."""

    #: a mapping, unless the only file holds something else
    values: Any
    places: Places
    #: where files contradict each other
    problems: list[InvalidPolicy]
    warnings: list[str]
    #: the steward of each file that names one
    stewards: list[tuple[str, Place]]


def merged(parts: Sequence[Part]) -> Merged:
    """Read each file and put them together.

    Raises:
        InvalidPolicy: a file cannot be read at all.
    """
    whole = Merged({}, {}, [], [], [])
    if len(parts) > FILES_MAX:
        raise InvalidPolicy("file", value=f"{len(parts)} files", limit=f"at most {FILES_MAX}")
    for part in parts:
        value, places = load(part.text, file=part.file)
        if isinstance(value, dict):
            if "rules" in value and "steward" not in value and len(parts) > 1:
                whole.warnings.append(f"{part.file}: has rules and no steward; write steward: NAME")
            _add(whole, value, places)
        elif len(parts) == 1:
            return Merged(value, places, [], [], [])
        else:
            whole.problems.append(_problem("file", value, "a mapping of fields", places[""]))
    return whole


def _add(whole: Merged, value: dict[str, Any], places: Places) -> None:
    """Add what one file says; what stands there already keeps its place."""
    _give_steward(whole, value, places)
    rules = whole.values.get("rules")
    moved = len(rules) if isinstance(rules, list) else 0
    whole.places = {**{_moved(path, moved): at for path, at in places.items()}, **whole.places}
    for name, item in value.items():
        if name not in whole.values:
            whole.values[name] = item
        elif name in _SHARED:
            _share(whole, name, item, places)
        elif name == "rules":
            _append(whole, item, places)
        elif name in _REPEATED and item != whole.values[name]:
            known = f"{whole.values[name]!r}, as {_where(whole, name)} says"
            whole.problems.append(_problem(name, item, known, places[name]))


def _give_steward(whole: Merged, value: dict[str, Any], places: Places) -> None:
    """Rules without a steward of their own take the one of their file."""
    steward = value.pop("steward", None)
    if steward is None:
        return
    if not isinstance(steward, str):
        whole.problems.append(_problem("steward", steward, "the id of a person", places["steward"]))
        return
    whole.stewards.append((steward, places["steward"]))
    rules = value.get("rules")
    for at, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict) and "steward" not in rule:
            rule["steward"] = steward
            places[f"rules[{at}].steward"] = places["steward"]


def _share(whole: Merged, name: str, item: Any, places: Places) -> None:
    kept = whole.values[name]
    if not isinstance(item, dict) or not isinstance(kept, dict):
        if item is not None:
            whole.problems.append(_problem(name, item, "a mapping of fields", places[name]))
        return
    for key, inner in item.items():
        path = f"{name}.{key}"
        if key in kept:
            remedy = f"It stands in {_where(whole, path)} already; keep one."
            whole.problems.append(_problem(path, key, "", places[path], remedy))
        else:
            kept[key] = inner


def _append(whole: Merged, item: Any, places: Places) -> None:
    kept = whole.values["rules"]
    if isinstance(item, list) and isinstance(kept, list):
        kept.extend(item)
    else:
        whole.problems.append(_problem("rules", item, "a list of rules", places["rules"]))


def _moved(path: str, by: int) -> str:
    """The path of a rule behind the rules of earlier files."""
    match = _RULE.match(path)
    return f"rules[{int(match[1]) + by}]{path[match.end() :]}" if match else path


def _where(whole: Merged, path: str) -> str:
    return f"{whole.places[path].file} line {whole.places[path].line}"


def _problem(path: str, value: object, limit: str, place: Place, remedy: str = "") -> InvalidPolicy:
    return InvalidPolicy(
        path, value=value, limit=limit, remedy=remedy, file=place.file, line=place.line
    )
