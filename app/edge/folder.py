"""kfring in a folder of a host that also serves others: ``KF_PUBLIC_URL=https://host/kf``.

WSGI's own word for the folder is SCRIPT_NAME: cookies, redirects and the API's description go by it. The
proxy may pass the folder on or cut it off, and on the node itself both forms work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from config.values import folder_of

PORTS: Final = {"http": 80, "https": 443}

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def below(application: Wsgi, public_url: str | None) -> Wsgi:
    """Return the application as it answers in the folder of the address; unchanged where there is none."""
    folder = folder_of(public_url)
    if not folder:
        return application

    def called(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if f"{path}/".startswith(f"{folder}/"):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = folder, path[len(folder) :] or "/"
        elif _is_host_of(public_url or "", environ.get("HTTP_HOST", "")):
            environ["SCRIPT_NAME"] = folder  # the proxy has cut it off
        return application(environ, start)

    return called


def _is_host_of(url: str, host: str) -> bool:
    """Return whether the header names the host of the address, whose port proxies may leave out."""
    ours = urlsplit(url)
    try:
        given = urlsplit(f"//{host}")
        port = given.port
    except ValueError:
        return False
    default = PORTS[ours.scheme]
    return given.hostname == ours.hostname and port in (None, ours.port or default)
