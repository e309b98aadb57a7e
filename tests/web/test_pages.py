"""How the static files are served: types, caching by content, nothing but the pages' own files."""

from __future__ import annotations

import gzip
import posixpath
import re
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.edge import pages

BEHIND = {"desk": "desk/desk.js", "admin": "admin/console.js"}
"""What a page shows behind the sign-in."""


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages", static_folder=None)
    app.register_blueprint(pages.blueprint())
    app.wsgi_app = pages.front(app.wsgi_app, {}, lambda given: given)  # type: ignore[method-assign]
    return app.test_client()


def addresses(client: FlaskClient, page: str) -> list[str]:
    found = re.findall(r'(?:src|href)="([^"]+)"', client.get(page).text)
    assert not [address for address in found if address.startswith("/")], (
        "a proxy may serve a folder"
    )
    return [urljoin(page, address) for address in found]


@pytest.mark.parametrize("page", ["/desk", "/admin"])
def test_every_file_a_page_names_is_there_and_may_be_kept_for_ever(
    client: FlaskClient, page: str
) -> None:
    found = addresses(client, page)
    assert len(found) >= 4
    for address in found:
        answer = client.get(address, buffered=True)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


def test_modules_are_javascript_whatever_the_system_thinks(client: FlaskClient) -> None:
    script = next(a for a in addresses(client, "/desk") if a.endswith(".js"))
    assert (
        client.get(script, buffered=True).headers["Content-Type"]
        == "text/javascript; charset=utf-8"
    )


def test_another_version_is_asked_for_each_time(client: FlaskClient) -> None:
    answer = client.get("/static/0123456789abcdef/desk/main.js", buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(
        "/static/0123456789abcdef/desk/main.js",
        headers={"If-None-Match": answer.headers["ETag"]},
        buffered=True,
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name",
    ["package.json", "vendor/vendor.lock.json", "desk.html", "../pages.py", "%2e%2e/pages.py"],
)
def test_nothing_else_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/x/{name}").status_code == 404


@pytest.mark.parametrize("page", ["/desk", "/admin"])
def test_a_page_has_no_inline_script_or_style(client: FlaskClient, page: str) -> None:
    text = client.get(page).text
    assert re.findall(r"<script(?![^>]*src=)", text) == []
    assert "<style" not in text and "style=" not in text


@pytest.mark.parametrize("page", ["desk", "admin"])
def test_a_page_names_every_module_its_script_needs_so_that_none_is_found_late(
    client: FlaskClient, page: str
) -> None:
    named = [a.split("/", 3)[3] for a in addresses(client, f"/{page}") if a.endswith(".js")]
    version = addresses(client, f"/{page}")[0].split("/")[2]
    assert len(named) == len(set(named)) > 50
    for name in named:
        text = client.get(f"/static/{version}/{name}").text
        for path in re.findall(r'(?:\bfrom|^import)\s*"(\.[^"]+)"', text, re.MULTILINE):
            assert posixpath.normpath(f"{posixpath.dirname(name)}/{path}") in named, (name, path)

    at = named.index
    assert at("shared/login.js") < at("shared/words.zh.js") < at(BEHIND[page])


def test_the_desk_asks_for_its_lists_before_the_parts_of_a_conversation(
    client: FlaskClient,
) -> None:
    named = [a.split("/", 3)[3] for a in addresses(client, "/desk")]
    assert named.index("desk/sidebar.js") < named.index("desk/composer.js")


def test_files_are_compressed_for_whoever_takes_it_and_not_sent_twice(client: FlaskClient) -> None:
    script = next(a for a in addresses(client, "/desk") if a.endswith("words.zh.js"))
    plain = client.get(script)
    packed = client.get(script, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for first, encoding in ((plain, ""), (packed, "gzip")):
        asked = {"If-None-Match": first.headers["ETag"], "Accept-Encoding": encoding}
        again = client.get(script, headers=asked)
        assert (again.status_code, again.data) == (304, b"")
    assert client.head(script).data == b""
    page = client.get("/desk")
    assert client.get("/desk", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


def test_the_front_door_is_the_desk(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/desk"
