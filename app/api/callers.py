"""The caller of a request: a browser's cookie, a program's bearer token, or an integration's token.

A browser sends its cookie with every request, also one that another site causes. So an unsafe request is
checked twice: by its origin (Sec-Fetch-Site, else Origin) and by a token that only our pages know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Request

from app.auth.logins import Login
from app.auth.roles import INTEGRATION, allowed, belongs
from app.forwarded import client_of
from app.refusals import Refusal
from app.services import Services
from app.storage import integrations
from app.storage.sql import reading

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE: Final = "kfring_session"
SECURE_COOKIE: Final = "__Host-kfring"
FOLDER_COOKIE: Final = "__Secure-kfring"
CSRF_HEADER: Final = "X-CSRF-Token"
HEADER_MAX_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller. ``kind`` is cookie, token or integration; ``login`` is None only for an integration."""

    kind: str
    who: str
    role: str
    person_id: int = 0
    appid: str = ""
    kf_account: str = ""
    leads: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    login: Login | None = None
    secret: str = field(default="", repr=False)

    def may(self, action: str) -> bool:
        """Return whether the role and, for an integration, its scopes allow the action."""
        if self.role == INTEGRATION and action not in self.scopes:
            return False
        return allowed(self.role, action)


def cookie_name(request: Request) -> str:
    """Return the cookie's name. Over https its prefix makes the browser require Secure, Path=/ and no Domain.

    In a folder of the host the cookie's path is the folder, so that no other program on the host gets it.
    The prefix then requires Secure only.
    """
    if not request.is_secure:
        return COOKIE
    return FOLDER_COOKIE if request.script_root else SECURE_COOKIE


def caller_of(services: Services, request: Request) -> Caller:
    """Return the caller. Raises Refusal: unauthorized, and forbidden for a request from another site."""
    given = request.headers.get("Authorization", "")
    if given:
        return _bearer(services, given)
    secret = request.cookies.get(cookie_name(request), "")
    login = _login(services, secret, "cookie") if len(secret) <= HEADER_MAX_CHARS else None
    if login is None:
        raise Refusal("unauthorized", "Sign in first.")
    if request.method not in SAFE_METHODS:
        check_origin(services, request)
        token = request.headers.get(CSRF_HEADER, "")[:HEADER_MAX_CHARS]
        if not services.logins.csrf_fits(login, token):
            raise Refusal("forbidden", f"The header {CSRF_HEADER} is missing or wrong.")
    return _caller(login, secret)


def check_origin(services: Services, request: Request) -> None:
    """Refuse a request that another site's page made a browser send. Raises Refusal forbidden."""
    if not _is_our_name(services, request):
        raise Refusal("forbidden", "This server is not called by that name (KF_PUBLIC_URL).")
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("Origin")
    if site is None and (origin is None or origin in _own_origins(services, request)):
        return
    raise Refusal("forbidden", "Requests from other sites are refused.")


def client_address(services: Services, request: Request) -> str:
    """Return the client's IP address: the one that a trusted proxy names, else the peer's."""
    said = request.headers.get("X-Forwarded-For", "")
    return client_of(request.remote_addr or "", said, services.settings.trusted_proxies)


def _bearer(services: Services, given: str) -> Caller:
    scheme, _, secret = given.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not 0 < len(secret) <= HEADER_MAX_CHARS:
        raise Refusal("unauthorized", "The header Authorization must be: Bearer <token>.")
    if secret.startswith(integrations.PREFIX):
        return _integration(services, secret)
    login = _login(services, secret, "token")
    if login is None:
        raise Refusal("unauthorized", "The token is not valid, or no longer.")
    return _caller(login, secret)


def _login(services: Services, secret: str, kind: str) -> Login | None:
    found = services.logins.find(secret, kind)
    return found if found and belongs(found.role, found.appid, services.served) else None


def _integration(services: Services, secret: str) -> Caller:
    with reading(services.engine) as conn:
        found = integrations.find(conn, secret)
    if found is None:
        raise Refusal("unauthorized", "The token is not valid, or no longer.")
    return Caller("integration", found.name, INTEGRATION, scopes=frozenset(found.scopes))


def _caller(login: Login, secret: str) -> Caller:
    return Caller(
        kind=login.kind,
        who=login.username,
        role=login.role,
        person_id=login.person_id,
        appid=login.appid,
        kf_account=login.kf_account,
        leads=login.leads,
        login=login,
        secret=secret,
    )


def _is_our_name(services: Services, request: Request) -> bool:
    """Return whether the request names this server. A host name must be the one in KF_PUBLIC_URL, if any.

    An IP address always does: nobody else can serve a page under it.
    """
    settings, host = services.settings, _hostname(request.host)
    if host == "localhost" or _is_address(host):
        return True
    if settings.public_url:
        return host == urlsplit(settings.public_url).hostname
    return not settings.demo


def _hostname(host: str) -> str:
    """Return the host without its port, "" where it is not a valid name."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _own_origins(services: Services, request: Request) -> set[str]:
    origins = {f"{request.scheme}://{request.host}"}
    if services.settings.public_url:
        parts = urlsplit(services.settings.public_url)
        origins.add(f"{parts.scheme}://{parts.netloc}")
    return origins


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
