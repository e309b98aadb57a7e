"""Registration of the demo's agents at the bundled simulator, which the same process serves.

The simulator answers only once this node does, so a thread waits for that.
"""

from __future__ import annotations

import http.client
import threading
import time
from typing import Final
from urllib.parse import urlsplit

import structlog

from app.directory import mirror
from app.directory.kf_platform import EXISTS
from app.node.context import DemoAccount
from app.refusals import Refusal
from app.services import Served, Services
from app.storage import kf_accounts
from app.storage.audit import Actor, acting
from app.storage.errors import Missing
from app.storage.kf_accounts import KfAccount
from app.storage.sql import StorageError, reading
from app.wechat.api import PlatformRefused, WeChatFailure
from app.wechat.errors import reason
from sessions.model import SessionError

ANSWER_S: Final = 120.0
PROBE_S: Final = 1.0
PROBE_EVERY_S: Final = 0.2
TRIES: Final = 5
RETRY_S: Final = 31.0  # the token service allows two calls a minute

log = structlog.get_logger()


def register_in_background(services: Services, demo: DemoAccount) -> threading.Thread:
    """Start the thread and return at once."""
    served = services.served[demo.account.appid]
    thread = threading.Thread(target=_run, args=(services, served), name="demo-agents", daemon=True)
    thread.start()
    return thread


def _run(services: Services, served: Served) -> None:
    if not _answers(services.node.base_url):
        log.warning("demo_agents_stay_local", reason="this node does not answer")
        return
    for attempt in range(TRIES):
        try:
            for row in _unregistered(services, served):
                _register(services, served, row)
            return
        except (WeChatFailure, StorageError, SessionError, Missing, Refusal) as error:
            log.info("demo_agents_not_registered", attempt=attempt + 1, reason=str(error))
        if attempt + 1 < TRIES:
            time.sleep(RETRY_S)


def _unregistered(services: Services, served: Served) -> list[KfAccount]:
    """Return the agents without an attempt. A refused one has a note, and the admin decides about it."""
    with reading(services.engine) as conn:
        rows = kf_accounts.everyone(conn, served.account.appid)
    return [row for row in rows if row.platform == "local" and not row.platform_note]


def _register(services: Services, served: Served, row: KfAccount) -> None:
    changes = {"platform": "registered"}
    try:
        served.api.kf_add(row.kf_account, row.nickname)
    except PlatformRefused as refused:
        if refused.errcode not in EXISTS:
            changes = {"platform": "local", "platform_note": reason(refused.errcode)}
    actor = Actor("system", "system", int(time.time() * 1000))
    with acting(services.engine) as conn:
        kf_accounts.update(conn, actor, row.appid, row.kf_account, changes)
    mirror.one(services.engine, served.account, row.kf_account)


def _answers(base_url: str) -> bool:
    """Wait until this node answers ``/healthz``. Returns False after ``ANSWER_S``."""
    address = urlsplit(base_url)
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(address.netloc, timeout=PROBE_S)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(PROBE_EVERY_S)
    return False
