"""``flask kf forget``: erases a customer, whether or not a node runs."""

from __future__ import annotations

import time

from app.commands.stores import chosen_account, existing_database, redis_address, secret_key
from app.privacy.erasure import Erased, Erasure
from app.storage.audit import Actor
from config.settings import Settings
from sessions.store.clients import store_client
from sessions.store.scripts import Scripts


def forgotten(settings: Settings, openid: str, reason: str, appid: str | None) -> Erased:
    """Erase the customer ``openid``.

    Raises ClickException, StartError, StorageError, SessionError, and Refusal not_found.
    """
    chosen = chosen_account(settings, appid).appid
    with existing_database(settings) as database, redis_address(settings) as (url, _):
        client = store_client(url, 2)
        try:
            erasure = Erasure(Scripts(client), database, chosen, secret_key(settings, client))
            actor = Actor("command line", "system", int(time.time() * 1000))
            return erasure.forget(openid, actor, reason)
        finally:
            client.close()
