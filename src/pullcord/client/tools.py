"""Guarded functions: their terms, how a call becomes JSON, and how a decision becomes a call."""

import inspect
import threading
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_type_hints

from pullcord.client.round_trip import from_json, same, survives, to_json
from pullcord.errors import InvalidInput

#: guarded functions of one client
TOOLS_MAX = 10_000
_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


@dataclass(frozen=True, slots=True)
class Prepared:
    """One call of a guarded function: as given, and as JSON without the excluded arguments."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    #: what rules and people see, by parameter name
    shown: Mapping[str, Any]
    #: what is not sent, by parameter name
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class Guarded:
    """A function under guard and the terms it is guarded on."""

    tool: str
    function: Callable[..., Any]
    #: seconds to wait for a decision before parking; None waits until decided
    wait: float | None = 0.0
    #: return the text for the model instead of raising
    tells_model: bool = False
    exclude: frozenset[str] = frozenset()
    #: run although no usable policy is in hand and the server cannot be reached
    runs_unreachable: bool = False
    #: name of the parameter that carries the model's id of this tool call
    call_id_from: str = ""
    signature: inspect.Signature = field(init=False)
    is_async: bool = field(init=False)

    def __post_init__(self) -> None:
        signature = inspect.signature(self.function)
        names = list(signature.parameters)
        unknown = sorted(self.exclude - set(names))
        if self.call_id_from and self.call_id_from not in names:
            unknown.append(self.call_id_from)
        if unknown:
            raise InvalidInput(
                "exclude" if unknown[0] in self.exclude else "call_id",
                value=", ".join(unknown),
                limit=f"parameters of {self.tool}: {', '.join(names) or 'none'}",
                remedy="Correct the name.",
            )
        extra = frozenset(names[:1]) & {"self", "cls"}
        if self.call_id_from:
            extra |= {self.call_id_from}
        object.__setattr__(self, "exclude", self.exclude | extra)
        object.__setattr__(self, "signature", signature)
        object.__setattr__(self, "is_async", inspect.iscoroutinefunction(self.function))

    @cached_property
    def _plain_names(self) -> tuple[str, ...]:
        """Parameter names where a call is bound by counting; empty where that is not enough."""
        kinds = {each.kind for each in self.signature.parameters.values()}
        is_plain = kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
        return tuple(self.signature.parameters) if is_plain else ()

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {
            name: each.default
            for name, each in self.signature.parameters.items()
            if each.default is not inspect.Parameter.empty
        }

    @cached_property
    def kinds(self) -> Mapping[str, Any]:
        """Annotated types by parameter; `Any` where there is none or it cannot be resolved."""
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except (NameError, TypeError, AttributeError):
            hints = {}
        return {name: hints.get(name, Any) for name in self.signature.parameters}

    # --- from a call to JSON --------------------------------------------------------------------
    def prepare(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Prepared:
        """A call as people and rules see it, defaults filled in.

        Raises:
            TypeError: the function cannot be called like this.
            InvalidInput: an argument has no JSON form and is not excluded.
        """
        shown: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        for name, value in self._bound(args, kwargs).items():
            if name in self.exclude:
                kept[name] = value
            else:
                shown[name] = to_json(name, value)
        return Prepared(args, kwargs, shown, kept)

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = self._plain_names
        if names and len(args) <= len(names):
            found = dict(zip(names, args, strict=False))
            if not (found.keys() & kwargs.keys()):
                found.update(kwargs)
                values = {**self._defaults, **found}
                if values.keys() == set(names):
                    return {name: values[name] for name in names}
        return self._bound_exactly(args, kwargs)

    def _bound_exactly(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if self.signature.parameters[name].kind is _VAR_KEYWORD:
                found.update(value)
            else:
                found[name] = value
        return found

    def check(self, prepared: Prepared) -> None:
        """Refuse a call whose arguments would not come back from JSON as they are.

        Raises:
            InvalidInput: names the argument and the remedy.
        """
        given = self._bound(prepared.args, prepared.kwargs)
        for name, sent in prepared.shown.items():
            rebuilt = from_json(name, sent, self._kind_of(name))
            if not same(to_json(name, rebuilt), sent) or not survives(given[name], rebuilt):
                raise InvalidInput(
                    f"argument {name}",
                    value=given[name],
                    limit=f"what comes back from JSON as a {type(given[name]).__name__}",
                    remedy=f"Annotate {name} in {self.tool} with its type, or exclude it.",
                )

    # --- from a decision to a call ----------------------------------------------------------------
    def rebuilt(
        self, args: Mapping[str, Any], extra: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments of the decided call.

        Raises:
            InvalidInput: an excluded argument is missing, or a value fits no parameter.
        """
        self.need(extra)
        values = {name: from_json(name, value, self._kind_of(name)) for name, value in args.items()}
        values |= extra
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for name, each in self.signature.parameters.items():
            if each.kind is _VAR_KEYWORD:
                continue
            if name not in values:
                raise self._does_not_fit(name, "missing")
            value = values.pop(name)
            if each.kind is _VAR_POSITIONAL:
                positional.extend(value)
            elif each.kind is inspect.Parameter.KEYWORD_ONLY:
                keywords[name] = value
            else:
                positional.append(value)
        takes_more = any(each.kind is _VAR_KEYWORD for each in self.signature.parameters.values())
        if values and not takes_more:
            raise self._does_not_fit(next(iter(values)), "unknown")
        return tuple(positional), {**keywords, **values}

    def need(self, extra: Mapping[str, Any]) -> None:
        """Refuse to go on without the arguments that were never sent.

        Raises:
            InvalidInput: names them.
        """
        missing = sorted(self.exclude - extra.keys())
        if missing:
            listed = ", ".join(f"{name!r}: ..." for name in missing)
            raise InvalidInput(
                "extra",
                value=sorted(extra),
                limit=f"a value for every excluded parameter of {self.tool}",
                remedy=f"Write cord.resume(decision, extra={{{listed}}}).",
            )

    def _does_not_fit(self, name: str, how: str) -> InvalidInput:
        return InvalidInput(
            f"argument {name}",
            value=how,
            limit=f"the parameters of {self.tool}: {', '.join(self.signature.parameters)}",
            remedy="The function has changed since the call was stopped, or the edit names more.",
        )

    def _kind_of(self, name: str) -> Any:
        """The annotated type of what JSON holds under this name."""
        each = self.signature.parameters.get(name)
        if each is None:
            return self.kinds.get(self._keyword_rest, Any)
        if each.kind is _VAR_POSITIONAL:
            return types.GenericAlias(tuple, (self.kinds[name], ...))
        return self.kinds[name]

    @cached_property
    def _keyword_rest(self) -> str:
        names = [n for n, each in self.signature.parameters.items() if each.kind is _VAR_KEYWORD]
        return names[0] if names else ""


class Registry:
    """Guarded functions by tool name: what a decision that comes back is executed with."""

    def __init__(self) -> None:
        self._tools: dict[str, Guarded] = {}
        self._lock = threading.Lock()

    def add(self, guarded: Guarded) -> None:
        """Know a function by its tool name; the same function again replaces itself.

        Raises:
            InvalidInput: another function has that name.
        """
        with self._lock:
            known = self._tools.get(guarded.tool)
            if known is not None and _place(known) != _place(guarded):
                raise InvalidInput(
                    "tool",
                    value=guarded.tool,
                    limit=f"one function a name; it stands for {_place(known)}",
                    remedy="Write @guard(tool=...) with a name of its own.",
                )
            if known is None and len(self._tools) >= TOOLS_MAX:
                raise InvalidInput("tool", value=guarded.tool, limit=f"{TOOLS_MAX} tools")
            self._tools[guarded.tool] = guarded

    def find(self, tool: str) -> Guarded:
        """The function behind a tool name.

        Raises:
            InvalidInput: this process does not guard it.
        """
        found = self._tools.get(tool)
        if found is None:
            known = ", ".join(sorted(self._tools)[:20]) or "none"
            raise InvalidInput(
                "tool",
                value=tool,
                limit=f"tools guarded in this process: {known}",
                remedy="Import the module that guards it before resuming.",
            )
        return found

    def __contains__(self, tool: str) -> bool:
        return tool in self._tools


def _place(guarded: Guarded) -> str:
    function = guarded.function
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}"
