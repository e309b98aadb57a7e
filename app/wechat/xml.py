"""Readers for what the platform pushes: XML, and JSON for mini programs.

Both give plain dicts whose leaves are ``str``; both raise :class:`BadPush` and nothing else.
Strictness is for what attacks: a DOCTYPE, entities, depth, number and size are refused while reading,
before they can cost anything. What customers can paste is read (``wechat_lenient``), and what the
platform writes nearly always, fields in a row, is read quickly (``wechat_flat``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NoReturn
from xml.parsers import expat

import xmltodict

from app.metrics.prometheus import PUSH_DROPPED
from app.wechat.flat import read_flat
from app.wechat.lenient import TYPED, as_written, decoded, is_stray, permitted, without_references

MAX_BODY_BYTES = 65_536
MAX_DEPTH = 8  # the deepest one known has 5: <xml><SendPicsInfo><PicList><item><PicMd5Sum>
MAX_NODES = 300
NAME_CHARS = 64
_UTF8_NAMES = frozenset({"utf-8", "utf8"})
_BETWEEN: Final = "#text"
_UNDEFINED_ENTITY: Final = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]

Tree = dict[str, Any]


class BadPush(Exception):
    """Not a push that the platform would send (HTTP 400). The text quotes nothing of it."""


class UnknownShape(BadPush):
    """Nothing that attacks, and nothing that these readers know.

    A push that is proven and has such a shape is the platform's own: it is noted, not refused.
    """


class _Guard:
    """Looks at expat's events before anything is built of them."""

    __slots__ = ("depth", "nodes")

    def __init__(self) -> None:
        self.depth = self.nodes = 0

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise BadPush("too deep or too many elements")
        if attributes:
            raise UnknownShape("attributes")
        if self.nodes == 1 and name != "xml":
            raise UnknownShape("the root element is not xml")

    def end(self, _name: str) -> None:
        self.depth -= 1


def _doctype(*_: Any) -> NoReturn:
    raise BadPush("a DOCTYPE is not allowed")


def _unknown(*_: Any) -> NoReturn:
    raise UnknownShape("comments, processing instructions and NaN are not known here")


def _declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _UTF8_NAMES:
        raise UnknownShape("not UTF-8")


def read_xml(body: bytes) -> Tree:
    """Read one ``<xml>…</xml>`` document of at most 64 kB.

    Leaves are ``str`` exactly as sent (no stripping) but for characters that XML forbids; branches are
    dicts, repeated elements lists, elements with odd names dropped. Raises BadPush, UnknownShape.
    """
    _check_size(body)
    return read_flat(body) or _read_pasted(body)


def _read_pasted(body: bytes) -> Tree:
    """Read what is not flat: nested, or with something pasted that XML cannot carry.

    The document as it is wins, unless a typed element is no plain text in it: then somebody typed
    markup that the sender did not quote.
    """
    text = _decoded(body)
    written = as_written(text)
    try:
        tree = _read_any(_referenced(text))
    except BadPush:
        if written == text:
            raise
        return _read_any(_referenced(written))
    if written != text and (is_stray(text) or not _is_plainly_typed(tree)):
        return _read_any(_referenced(written))
    return tree


def _read_any(body: bytes) -> Tree:
    _guard(body)
    parsed = xmltodict.parse(
        body, encoding="utf-8", strip_whitespace=False, cdata_key=_BETWEEN, postprocessor=_tidy
    )
    root = parsed["xml"]
    if not isinstance(root, dict):
        raise UnknownShape("no fields")
    return root


def _guard(body: bytes) -> None:
    """Raise BadPush for a document that is not fit to be built. Nothing is kept of it."""
    guard = _Guard()
    parser = expat.ParserCreate("UTF-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = guard.start
    parser.EndElementHandler = guard.end
    parser.XmlDeclHandler = _declaration
    parser.StartDoctypeDeclHandler = _doctype
    parser.ProcessingInstructionHandler = _unknown
    parser.CommentHandler = _unknown
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        if error.code == _UNDEFINED_ENTITY:
            raise BadPush("entities are not allowed") from None
        raise UnknownShape("not well-formed XML") from None


def _tidy(_path: object, name: str, value: Any) -> Any:
    """One element as xmltodict has built it: its name and value, or None to drop it."""
    if name == _BETWEEN:
        if not value.isspace():
            raise UnknownShape("text between elements")
        return None
    if not _is_name(name):
        _drop("field", 1)
        return None
    return name, "" if value is None else value


def _is_plainly_typed(value: Any) -> bool:
    """Whether typed elements are texts, wherever they stand."""
    if isinstance(value, list):
        return all(_is_plainly_typed(one) for one in value)
    if not isinstance(value, dict):
        return True
    return all(
        isinstance(one, str) if name in TYPED else _is_plainly_typed(one)
        for name, one in value.items()
    )


def read_json(body: bytes) -> Tree:
    """Read one JSON object of at most 64 kB under the same limits; numbers become their text,
    ``null`` becomes "", a name that occurs twice a list. Raises BadPush, UnknownShape.
    """
    _check_size(body)
    try:
        tree = json.loads(
            _decoded(body),
            strict=False,
            parse_int=str,
            parse_float=str,
            parse_constant=_unknown,
            object_pairs_hook=_gathered,
        )
    except RecursionError:
        raise BadPush("too deep or too many elements") from None
    except ValueError:
        raise UnknownShape("not readable JSON") from None
    if not isinstance(tree, dict):
        raise UnknownShape("no object")
    fields = _Walk().branch(tree, 1)
    if not fields:
        raise UnknownShape("no fields")
    return fields


def read_body(body: bytes) -> Tree:
    """Read XML or JSON, told apart by the first character. Raises BadPush, UnknownShape."""
    return read_json(body) if body.lstrip()[:1] == b"{" else read_xml(body)


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return len(name) <= NAME_CHARS and name.isascii() and name.isidentifier()


def _check_size(body: bytes) -> None:
    if not body or len(body) > MAX_BODY_BYTES:
        raise BadPush("empty or too large")


def _referenced(text: str) -> bytes:
    text, dropped = without_references(text)
    _drop("character", dropped)
    return text.encode()


def _decoded(body: bytes) -> str:
    try:
        text, dropped = decoded(body)
    except ValueError:
        raise UnknownShape("not UTF-8") from None
    _drop("character", dropped)
    return text


def _drop(what: str, count: int) -> None:
    if count:
        PUSH_DROPPED.labels(what=what).inc(count)


def _gathered(pairs: list[tuple[str, Any]]) -> Tree:
    """The fields of an object; the values of a name that occurs twice are a list."""
    tree = dict(pairs)
    if len(tree) == len(pairs):
        return tree
    gathered: dict[str, list[Any]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return {name: found if len(found) > 1 else found[0] for name, found in gathered.items()}


class _Walk:
    """Checks a JSON tree against the limits and turns its leaves into text."""

    __slots__ = ("nodes",)

    def __init__(self) -> None:
        self.nodes = 0

    def branch(self, tree: Mapping[str, Any], depth: int) -> Tree:
        """The fields of one object; names lose blanks around them, odd ones are dropped."""
        named = {name.strip(): self._value(value, depth + 1) for name, value in tree.items()}
        fields = {name: value for name, value in named.items() if _is_name(name)}
        _drop("field", len(named) - len(fields))
        return fields

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
        text, dropped = permitted(str(value))
        _drop("character", dropped)
        return text
