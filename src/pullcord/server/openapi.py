"""The interface as OpenAPI 3.1, made from the route table and the wire models; nothing by hand.

A route documents every status it may answer with: those of success it names itself, problems
follow from who may use it and from what it takes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, TypeGuard

import msgspec

from pullcord.server.bodies import YAML_TYPES
from pullcord.server.problems import MEDIA_TYPE
from pullcord.server.route import Route
from pullcord.wire.replies import ProblemOut

REFERENCE = "#/components/schemas/{name}"
KEY, SESSION = "agentKey", "session"

Json = dict[str, Any]

_PLACE = re.compile(r"\{(\w+)\}")


def problems_of(route: Route) -> tuple[int, ...]:
    """Every status of a problem this route may answer with."""
    found = set(route.problems)
    found.update({429, 503})
    if not route.public:
        found.update({401, 403})
    if route.takes is not None:
        found.update({400, 413, 415, 422})
    if route.query is not None:
        found.add(422)
    if "{" in route.path:
        found.add(404)
    return tuple(sorted(found))


def document(routes: Sequence[Route]) -> Json:
    """The OpenAPI document of these routes."""
    models = _models(routes)
    _, components = msgspec.json.schema_components(models, ref_template=REFERENCE)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pullcord",
            "version": version("pullcord"),
            "summary": "Escalation and hand-off for AI agents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                KEY: {"type": "http", "scheme": "bearer", "bearerFormat": "pk_…"},
                SESSION: {"type": "apiKey", "in": "cookie", "name": "pullcord_session"},
            },
        },
    }


def _models(routes: Iterable[Route]) -> list[type]:
    found: dict[type, None] = {ProblemOut: None}
    for route in routes:
        for kind in (route.takes, route.gives):
            if _is_model(kind):
                found[kind] = None
    return list(found)


def _is_model(kind: type | None) -> TypeGuard[type[msgspec.Struct]]:
    return kind is not None and issubclass(kind, msgspec.Struct)


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
        "security": _security(route),
    }
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _taken(route.takes)}
    return operation


def _security(route: Route) -> list[Json]:
    ways: list[Json] = []
    if route.agents:
        ways.append({KEY: []})
    if route.right:
        ways.append({SESSION: []})
    return ways


def _taken(kind: type) -> Json:
    if kind is str:
        return {YAML_TYPES[0]: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": _reference(kind)}}


def _reference(kind: type) -> Json:
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def _parameters(route: Route) -> list[Json]:
    found: list[Json] = []
    for name in _PLACE.findall(route.path):
        schema = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if route.query is not None:
        schema = msgspec.json.schema(route.query)["$defs"][route.query.__name__]
        found.extend(
            {"name": name, "in": "query", "required": False, "schema": each}
            for name, each in schema["properties"].items()
        )
    return found


def _responses(route: Route) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    own = {route.media_type: {"schema": _given(route)}}
    for status in route.statuses:
        response: Json = {"description": HTTPStatus(status).phrase}
        if status not in route.empty:
            response["content"] = own
        found[str(status)] = response
    for status in sorted({*problems_of(route), *route.refusals}):
        content: Json = {MEDIA_TYPE: {"schema": _reference(ProblemOut)}}
        if status in route.refusals:
            content |= own
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return found


def _given(route: Route) -> Json:
    if route.gives is None:
        return {"type": "string"}
    return _reference(route.gives) if _is_model(route.gives) else {"type": "object"}
