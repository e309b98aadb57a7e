"""What all routes have in common: permissions, bounds, the error shape, request ids, headers."""

from __future__ import annotations

import http.client
import re
from typing import Any

import pytest
import requests
from flask import Flask
from openapi_spec_validator import validate

from app.api.core import PUBLIC
from app.auth.roles import ACTIONS
from app.edge.server import MODULES, OPEN_BLUEPRINTS, create_app
from tests.api.conftest import PASSWORD, Node

PUBLIC_ROUTES = {
    "GET /api/v1/openapi.json",
    "POST /api/v1/login",
    "POST /api/v1/tokens",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}


def raw(node: Node, text: bytes) -> tuple[int, bytes]:
    """A request as bytes, for what no library sends."""
    address = node.base.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.connect()
    connection.sock.sendall(text)
    response = http.client.HTTPResponse(connection.sock)
    response.begin()
    status, body = response.status, response.read()
    connection.close()
    return status, body


def test_every_route_of_the_server_declares_who_may_use_it(node: Node) -> None:
    app = create_app(node.services)
    undeclared = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in OPEN_BLUEPRINTS
        and rule.endpoint not in app.extensions["kfring"]
    ]
    assert undeclared == []
    for route in app.extensions["kfring"].values():
        assert route.action == PUBLIC or ACTIONS[route.action], route.endpoint


def test_only_the_named_routes_are_open_to_everybody() -> None:
    routes = [route for module in MODULES.values() for route in module.declared]
    assert {route.endpoint for route in routes if route.action == PUBLIC} == PUBLIC_ROUTES


def test_every_other_route_refuses_one_without_a_login(node: Node) -> None:
    for module in MODULES.values():
        for route in module.declared:
            if route.action == PUBLIC:
                continue
            path = re.sub(r"<[^>]+>", "1", route.path)
            response = node.client().send(route.method, path)
            assert response.status_code == 401, route.endpoint
            assert response.json()["code"] == "unauthorized"


def test_a_route_added_without_a_permission_answers_nobody(node: Node) -> None:
    app: Flask = create_app(node.services)
    app.add_url_rule("/api/v1/forgotten", view_func=lambda: "secret")
    response = app.test_client().get("/api/v1/forgotten")
    assert response.status_code == 403 and "secret" not in response.text


def test_an_agent_may_not_use_what_his_role_has_not(node: Node) -> None:
    agent = node.agent("anna")
    response = agent.put("/customers/o1/facts", {"vip_level": 1})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


def test_the_document_is_valid_openapi(node: Node) -> None:
    document = requests.get(node.base + "/api/v1/openapi.json", timeout=10).json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    described = {
        f"{method.upper()} {path}" for path, all_ in document["paths"].items() for method in all_
    }
    assert len(described) == sum(len(module.declared) for module in MODULES.values())


def test_a_well_formed_request_id_is_taken_over_and_others_are_replaced(node: Node) -> None:
    for given, accepted in [("0123abcd-REQ", True), ("short", False), ("a b c d e f g", False)]:
        response = node.client().get("/me", headers={"X-Request-ID": given})
        assert (response.headers["X-Request-ID"] == given) is accepted
        assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_errors_have_one_shape(node: Node) -> None:
    client = node.client()
    wrong: list[tuple[Any, int, str]] = [
        (client.get("/nothing"), 404, "not_found"),
        (client.delete("/login"), 405, "method_not_allowed"),
        (client.send("POST", "/api/v1/login", data="x"), 415, "unsupported_media"),
        (client.post("/login", {"username": "a"}), 422, "invalid"),
        (client.post("/login", {"username": "a", "password": "b", "more": 1}), 422, "invalid"),
        (client.post("/login", {"username": "a", "password": "wrong"}), 401, "unauthorized"),
        (client.get("/openapi.json?more=1"), 422, "invalid"),
    ]
    for response, status, code in wrong:
        problem = response.json()
        assert response.headers["Content-Type"] == "application/problem+json"
        assert (response.status_code, problem["code"]) == (status, code)
        assert problem["status"] == status and problem["title"] and problem["detail"]


def test_a_broken_body_is_400_and_names_no_value(node: Node) -> None:
    headers = {"Content-Type": "application/json"}
    response = node.client().send(
        "POST", "/api/v1/login", data='{"password": "hush', headers=headers
    )
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    response = node.client().post("/login", {"username": "a", "password": ["hush"]})
    assert response.json()["errors"] == [
        {"field": "password", "message": "Input should be a valid string"}
    ]
    assert "hush" not in response.text


def test_a_body_that_is_too_long_is_413(node: Node) -> None:
    body = {"username": "a" * 70_000, "password": "x"}
    response = node.client().post("/login", body)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_body_without_a_length_is_411(node: Node) -> None:
    head = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    status, body = raw(node, head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    assert status == 411 and b"length_required" in body


def test_an_unexpected_error_shows_no_trace(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(type(node.services.sign_in), "token", broken)
    body = {"username": "a", "password": PASSWORD}
    response = requests.post(node.base + "/api/v1/tokens", json=body, timeout=10)
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "inside" not in response.text and "Traceback" not in response.text


def test_every_response_carries_the_security_headers(node: Node) -> None:
    for path in ("/healthz", "/api/v1/me", "/nothing"):
        headers = requests.get(node.base + path, timeout=10).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "geolocation=()" in headers["Permissions-Policy"]
    assert requests.get(node.base + "/api/v1/me", timeout=10).headers["Cache-Control"] == "no-store"
