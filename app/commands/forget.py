"""``flask kf forget``: erases a customer beside the running server, or without it."""

from __future__ import annotations

import time

from app.commands.stores import existing_database, redis_address, secret_key
from app.node.context import StartError
from app.node.generated import DEMO_FILE, keep_demo
from app.privacy.erasure import Erased, Erasure
from app.storage.audit import Actor
from config.settings import Settings
from sessions.store.clients import store_client
from sessions.store.scripts import Scripts


def forgotten(settings: Settings, openid: str, reason: str, appid: str | None) -> Erased:
    """Raises StartError, StorageError, SessionError, Refusal not_found."""
    chosen = _appid(settings, appid)
    with existing_database(settings) as database, redis_address(settings) as (url, _):
        client = store_client(url, 2)
        try:
            erasure = Erasure(Scripts(client), database, chosen, secret_key(settings, client))
            actor = Actor("command line", "system", int(time.time() * 1000))
            return erasure.forget(openid, actor, reason)
        finally:
            client.close()


def _appid(settings: Settings, given: str | None) -> str:
    """The one named, else the only one."""
    known = [account.appid for account in settings.accounts]
    if settings.demo and (settings.data_dir / DEMO_FILE).exists():
        known = [keep_demo(settings.data_dir).account.appid]
    if given is None and len(known) == 1:
        return known[0]
    if given not in known:
        raise StartError(f"name the official account by --appid: {', '.join(known)}")
    return str(given)
