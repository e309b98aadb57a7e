"""The OpenAPI 3.1 document, generated from the declared routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from flask import Response, current_app
from pydantic import BaseModel, Field, TypeAdapter, create_model

from app.api.core import IDENT_MAX, PUBLIC, Call, Query, Route, Routes, Shape
from app.auth.roles import ACTIONS

VERSION: Final = "1"
REFERENCE: Final = "#/components/schemas/{model}"
NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": IDENT_MAX}
REFUSED: Final = {"$ref": "#/components/responses/Refused"}
_VARIABLE: Final = re.compile(r"<(?:(\w+):)?(\w+)>")

routes = Routes()


class FieldError(Shape):
    """One field that is not valid."""

    field: str
    message: str


class Problem(BaseModel):
    """A refusal (RFC 9457). ``code`` is for programs; further members depend on it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldError] = Field(default_factory=list)


@routes.add(
    "GET",
    "/openapi.json",
    PUBLIC,
    summary="Return this document",
    answer=dict[str, Any],
    raw=True,
)
def read_document(call: Call) -> Response:
    known, folder = current_app.extensions, call.request.script_root
    name = f"kfring.openapi{folder}"
    if name not in known:
        known[name] = document_text(known["kfring"].values(), folder)
    return Response(known[name], mimetype="application/json")


def document(declared: Iterable[Route], folder: str = "") -> dict[str, Any]:
    """Return the document of the routes. ``folder`` is the path of the API on its host."""
    every = sorted(declared, key=lambda route: (route.path, route.method))
    schemas, definitions = _schemas(every)
    paths: dict[str, dict[str, Any]] = {}
    for route in every:
        path = _VARIABLE.sub(r"{\2}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kfring",
            "version": VERSION,
            "description": "Customer service for WeChat Official Accounts. Times are milliseconds "
            "since the epoch; success is {data, meta}; errors are RFC 9457 problems.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        **({"servers": [{"url": folder}]} if folder else {}),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {"Refused": _refusal(schemas)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "kfring_session"},
            },
        },
    }


def document_text(declared: Iterable[Route], folder: str = "") -> str:
    return json.dumps(document(declared, folder), ensure_ascii=False)


def _schemas(every: Iterable[Route]) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """Return the schemas by (endpoint, part), and the definitions that they refer to."""
    inputs: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = []
    for route in every:
        if _is_json(route):
            inputs.append(((route.endpoint, "answer"), "serialization", _adapter(envelope(route))))
        if route.body is not None:
            inputs.append(((route.endpoint, "body"), "validation", TypeAdapter(route.body)))
    inputs.append((("", "problem"), "serialization", TypeAdapter(Problem)))
    made, rest = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE)
    schemas = {key: schema for (key, _), schema in made.items()}
    return schemas, dict(rest.get("$defs", {}))


def envelope(route: Route) -> type[BaseModel]:
    """Return the model of a route's ``{"data": …, "meta": …}``."""
    name = re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_")
    model: type[BaseModel] = create_model(
        f"{name}_answer", __base__=Shape, data=(route.answer, ...), meta=(route.meta, ...)
    )
    return model


@cache
def _adapter(kind: type[BaseModel]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _is_json(route: Route) -> bool:
    return route.status != 204 and not route.raw


def _operation(route: Route, schemas: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", route.endpoint).strip("_").lower(),
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route.query)],
        "responses": {
            str(route.status): _success(route, schemas),
            **{str(status): REFUSED for status in route.refusals},
        },
        "security": [] if route.action == PUBLIC else [{"bearer": []}, {"cookie": []}],
    }
    if route.also_status:
        operation["responses"][str(route.also_status)] = _success(route, schemas)
    if route.action != PUBLIC:
        operation["x-action"] = route.action
        operation["x-roles"] = sorted(ACTIONS[route.action])
    if route.body is not None:
        schema = schemas[(route.endpoint, "body")]
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    elif route.files_max_bytes:
        operation["requestBody"] = {"required": True, "content": _file_content()}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": NUMBER if converter == "int" else {"type": "string"},
        }
        for converter, name in _VARIABLE.findall(route.path)
    ]


def _query_parameters(query: type[Query]) -> list[dict[str, Any]]:
    schema = TypeAdapter(query).json_schema()
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": described}
        for name, described in schema.get("properties", {}).items()
    ]
    return [*parameters, {"name": "appid", "in": "query", "schema": {"type": "string"}}]


def _success(route: Route, schemas: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.summary}
    if _is_json(route):
        schema = schemas[(route.endpoint, "answer")]
        success["content"] = {"application/json": {"schema": schema}}
    elif route.status != 204:
        success["content"] = {kind: {} for kind in route.content_types}
    return success


def _refusal(schemas: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    schema = schemas[("", "problem")]
    return {
        "description": "Refused",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _file_content() -> dict[str, Any]:
    binary = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "properties": {"file": binary}, "required": ["file"]}
    return {"multipart/form-data": {"schema": form}, "application/octet-stream": {}}
