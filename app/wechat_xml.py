"""Strict readers for what the platform pushes: XML, and JSON for mini programs.

Both give plain dicts whose leaves are ``str``; both raise :class:`BadPush` and nothing else.
A push is small and flat, so everything a push never has (DOCTYPE, attributes, comments, deep
nesting, many elements) is refused while reading, before it can cost anything. What the platform writes
nearly always, fields in a row, is read without expat's calls into Python (``wechat_flat``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn
from xml.parsers import expat

from app.wechat_flat import read_flat

MAX_BODY_BYTES = 65_536
MAX_DEPTH = 5  # <xml><SendPicsInfo><PicList><item><PicMd5Sum>
MAX_NODES = 300
NAME_CHARS = 64
_UTF8_NAMES = frozenset({"utf-8", "utf8"})

Tree = dict[str, Any]


class BadPush(Exception):
    """Not a push that the platform would send (HTTP 400). The text quotes nothing of it."""


class _Collector:
    """Builds nested dicts from expat's events; a name repeated below the top becomes a list."""

    __slots__ = ("branches", "nodes", "pending", "root")

    def __init__(self) -> None:
        self.branches: list[Tree] = []
        self.pending = ""
        self.nodes = 0
        self.root: Any = None

    def start(self, name: str, attributes: list[str]) -> None:
        self.nodes += 1
        if attributes:
            raise BadPush("attributes are not allowed")
        if len(self.branches) >= MAX_DEPTH or self.nodes > MAX_NODES:
            raise BadPush("too deep or too many elements")
        if not _is_name(name):
            raise BadPush("element name not allowed")
        if self.nodes == 1 and name != "xml":
            raise BadPush("the root element is not xml")
        if self.pending:
            self._drop_blank()
        self.branches.append({})

    def end(self, name: str) -> None:
        value: Any = self.branches.pop()
        if not value:
            value, self.pending = self.pending, ""
        elif self.pending:
            self._drop_blank()
        if not self.branches:
            self.root = value
        elif name in self.branches[-1]:
            self._repeat(self.branches[-1], name, value)
        else:
            self.branches[-1][name] = value

    def text(self, data: str) -> None:
        self.pending += data

    def _drop_blank(self) -> None:
        if not self.pending.isspace():
            raise BadPush("text between elements")
        self.pending = ""

    def _repeat(self, parent: Tree, name: str, value: Any) -> None:
        if len(self.branches) == 1:
            raise BadPush("duplicate field")
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]


def _refuse(*_: Any) -> NoReturn:
    raise BadPush("declarations, comments and processing instructions are not allowed")


def _declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _UTF8_NAMES:
        raise BadPush("not UTF-8")


def read_xml(body: bytes) -> Tree:
    """Read one ``<xml>…</xml>`` document of at most 64 kB.

    Leaves are ``str`` exactly as sent (no stripping), branches are dicts, repeated nested elements
    lists. Raises BadPush.
    """
    _check_size(body)
    return read_flat(body) or _read_any(body)


def _read_any(body: bytes) -> Tree:
    collector = _Collector()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.XmlDeclHandler = _declaration
    parser.StartDoctypeDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.CommentHandler = _refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise BadPush("not well-formed XML") from None
    if not isinstance(collector.root, dict):
        raise BadPush("no fields")
    return collector.root


def read_json(body: bytes) -> Tree:
    """Read one JSON object of at most 64 kB under the same limits; numbers become their text,
    ``null`` becomes "". Raises BadPush.
    """
    _check_size(body)
    try:
        tree = json.loads(
            body.decode(),
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError):
        raise BadPush("not readable JSON") from None
    if not isinstance(tree, dict) or not tree:
        raise BadPush("no fields")
    return _Walk().branch(tree, 1)


def read_body(body: bytes) -> Tree:
    """Read XML or JSON, told apart by the first character. Raises BadPush."""
    return read_json(body) if body.lstrip()[:1] == b"{" else read_xml(body)


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return len(name) <= NAME_CHARS and name.isascii() and name.isidentifier()


def _check_size(body: bytes) -> None:
    if not body or len(body) > MAX_BODY_BYTES:
        raise BadPush("empty or too large")
    if b"\0" in body:
        raise BadPush("NUL byte")


def _unique(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise BadPush("duplicate field")
    return tree


class _Walk:
    """Checks a JSON tree against the limits and turns its leaves into text."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes = 0

    def branch(self, tree: Mapping[str, Any], depth: int) -> Tree:
        return {self._name(name): self._value(value, depth + 1) for name, value in tree.items()}

    def _name(self, name: str) -> str:
        if not _is_name(name):
            raise BadPush("field name not allowed")
        return name

    def _value(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise BadPush("too deep or too many elements")
        if isinstance(value, dict):
            return self.branch(value, depth)
        if isinstance(value, list):
            return [self._value(item, depth + 1) for item in value]
        return self._leaf(value)

    def _leaf(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        text = str(value)
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            raise BadPush("lone surrogate")
        return text
