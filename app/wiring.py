"""The one place that builds clients and hands them to each other; the worker process calls it once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from sqlalchemy import Engine
from urllib3 import PoolManager

from app.account import PRIORITY_CREDIT_MS, Account, deadlines_of, policy_of
from app.alerts.board import AlarmBoard
from app.alerts.conditions import Limits
from app.alerts.watch import Watch, Watched, quota_listener
from app.alerts.webhook import Webhook
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.auth.secret_key import agreed
from app.auth.signin import SignIn
from app.auth.throttle import Throttle
from app.conversations.seating import drain
from app.delivery.greeting import greeter
from app.delivery.payloads import Payloads
from app.delivery.quota import QuotaHold, SendQuota
from app.delivery.sender import SENDERS, Sender
from app.desk.hub import TAIL_BLOCK_MS, DeskHub
from app.desk.stream_slots import StreamSlots
from app.directory import bootstrap, mirror
from app.directory.customer_tags import PlatformTags
from app.edge.folder import below
from app.edge.server import create_app
from app.jobs import Jobs, Work
from app.media.fetch import MediaFetcher
from app.media.library import Library
from app.metrics.prometheus import DATABASE_UP
from app.metrics.series import Series
from app.node import logs
from app.node.agreement import SettingsWatch, digests
from app.node.background import Background
from app.node.context import NodeContext, StartError, accounts_of, api_base, outbound_proxy
from app.node.lease import NodeLease
from app.node.logs import LINES
from app.node.open_files import OUTGOING, wanted_of_redis
from app.node.serving import report
from app.plan.notices import NoticeTexts
from app.plan.plans import Plans
from app.plan.transfer_rules import live_transfer_rules
from app.presence.attendance import Attendance
from app.presence.roster_watch import BLOCK_MS, RosterWatch
from app.services import Served, Services
from app.storage.notices import read_defaults
from app.storage.opening import opened
from app.storage.records import Records
from app.storage.sql import StorageError
from app.storage.unfinished import refuse_unfinished
from app.storage.watch import DatabaseWatch
from app.wechat.api import WeChatApi, new_http
from app.wechat.channel import CHANNELS
from app.wechat.outbound import Outbound
from app.wechat.tokens import TokenService
from config.accounts import OfficialAccount
from config.settings import Settings
from config.values import revealed
from routing.presence.interface import Presence
from routing.presence.local import LocalPresence
from routing.presence.zookeeper import ZooKeeperHub
from routing.rules import BadRule
from sessions.model import BudgetRule, SessionError
from sessions.store.agents import AgentStore
from sessions.store.clients import BadAddress, Redis, blocking_client, store_client
from sessions.store.conversations import SessionStore
from sessions.store.desk_stream import DeskStream
from sessions.store.layout import check_layout
from sessions.store.outbox import Outbox
from sessions.store.queries import Queries
from sessions.store.roster_news import RosterNews
from sessions.store.scripts import Scripts

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CONNECTIONS_AT_START: Final = 16
"""Open before the first push, so that many at once need not wait for theirs."""
_running: list[Callable[[], None]] = []


def create_wsgi(settings: Settings, node: NodeContext) -> Wsgi:
    """The whole node as a WSGI application, its threads started. Raises StartError."""
    try:
        services = build(settings, node)
    except (SessionError, BadAddress) as error:
        where = "; see KF_REDIS_URL" if settings.redis_url else ""
        raise StartError(f"Redis: {error}{where}") from None
    server: Wsgi = create_app(services)
    if settings.simulator_on:
        server = _with_simulator(server, settings, node)
    return below(server, settings.public_url)


def shutdown() -> None:
    """Ends what ``create_wsgi`` started: no new ticks, presence handed back, clients closed."""
    while _running:
        _running.pop()()


def _with_simulator(server: Wsgi, settings: Settings, node: NodeContext) -> Wsgi:
    """Imported only here: a node that plays no platform need not carry one."""
    simulated: Any = import_module("app.edge.simulated")
    both: Wsgi = simulated.with_simulator(server, settings, node)
    return both


def build(settings: Settings, node: NodeContext, passwords: Passwords | None = None) -> Services:
    """All services of the node, without a web server; tests bring cheaper passwords. Raises StartError."""
    logs.configure(settings.log_level)
    LINES.start()
    _running.append(LINES.flush)
    engine = _database(settings, node)
    connections = node.redis_connections or wanted_of_redis(settings.thread_count)
    client = store_client(node.redis_url, connections)
    scripts = Scripts(client, BudgetRule(settings.budget_rule))
    check_layout(client)
    _refuse_incompatible_nodes(settings, node)
    node = replace(node, secret_key=agreed(client, settings.secret_key, node.secret_key))
    differing = _settings_watch(settings, node)
    scripts.prepare(CONNECTIONS_AT_START)
    accounts = accounts_of(settings, node)
    zookeeper = _zookeeper(settings, node)
    # One for all accounts, so that their connections are bounded together.
    http = new_http(OUTGOING, outbound_proxy(settings, api_base(settings, node)))
    pool = ThreadPoolExecutor(SENDERS * 2, thread_name_prefix="wechat")
    courtesies = Background()
    built = [
        _serve(settings, node, config, scripts, engine, zookeeper, http, pool, courtesies)
        for config in accounts
    ]
    jobs = Jobs([work for _, work in built], settings.sweep_s, works=settings.role != "web")
    database = DatabaseWatch(engine)
    logins = _logins(settings, node, client)
    passwords = passwords or Passwords()
    services = Services(
        settings=settings,
        node=node,
        redis=client,
        scripts=scripts,
        engine=engine,
        served={served.account.appid: served for served, _ in built},
        logins=logins,
        passwords=passwords,
        sign_in=SignIn(engine, passwords, Throttle(client), logins, [a.appid for a in accounts]),
        streams=StreamSlots(settings.streams_max),
        background=courtesies,
        sweep_age_s=jobs.sweep_age_s,
        database_up=database.up,
        settings_differing=differing,
    )
    DATABASE_UP.set_function(database.up)
    _watch_for_trouble(services, jobs)
    bootstrap.prepare(services)
    for served, _ in built:
        mirror.everyone(engine, served.account)
        served.account.attendance.refresh()
        served.hub.start()
        served.roster.start()
    jobs.start()
    _running.append(lambda: _stop(services, zookeeper, pool, jobs, [work for _, work in built]))
    database.start()
    _running.append(database.stop)  # before the engine lets go of its connections
    return services


def _serve(
    settings: Settings,
    node: NodeContext,
    config: OfficialAccount,
    scripts: Scripts,
    engine: Engine,
    zookeeper: ZooKeeperHub | None,
    http: PoolManager,
    pool: ThreadPoolExecutor,
    courtesies: Background,
) -> tuple[Served, Work]:
    """One official account: its stores, its desks, its sender."""
    client, appid, channel = scripts.client, config.appid, CHANNELS[config.kind]
    seats, queries = AgentStore(scripts, appid), Queries(scripts, appid)
    outbox = Outbox(scripts, appid)
    waiting = blocking_client(node.redis_url, max(TAIL_BLOCK_MS, BLOCK_MS) / 1000)
    stream = DeskStream(client, waiting, appid)
    presence: Presence = zookeeper.presence(appid) if zookeeper else LocalPresence()
    boot = f"{node.node_id}.{secrets.token_hex(3)}"
    plans = _plans(settings, engine, appid)
    attendance = Attendance(
        seats, presence, boot, settings.heartbeat_s, lambda: plans().routing.default_group
    )
    base = api_base(settings, node)
    tokens = TokenService(client, config, base, http)
    api = WeChatApi(config, tokens, base, http, channel.typing_path, _outbound(settings))
    api.token_trouble = tokens.trouble
    files = Library(engine, appid)
    hold = QuotaHold(SendQuota(client, appid), appid)
    payloads = Payloads(
        channel,
        api,
        files,
        lambda kf_account, errcode: mirror.speaker_refused(engine, account, kf_account, errcode),
    )
    sender = Sender(appid, outbox, attendance, api, payloads, pool, hold)
    notices = NoticeTexts(engine, appid, read_defaults())
    transfer_rules = live_transfer_rules(engine, appid)
    tags = PlatformTags(client, api, courtesies)
    account = Account(
        config=config,
        channel=channel,
        policy=policy_of(settings),
        store=SessionStore(scripts, appid, deadlines_of(settings), PRIORITY_CREDIT_MS),
        seats=seats,
        outbox=outbox,
        queries=queries,
        stream=stream,
        records=Records(engine),
        attendance=attendance,
        notices=notices,
        plan=plans,
        wake_sender=sender.wake,
        transfer_rules=transfer_rules,
        noticed=tags.noticed if channel.tags else lambda push: None,
        greet=greeter(api, pool, hold),
    )
    attendance.on_joined = lambda kf: drain(account, kf)
    plans.on_members = lambda names: mirror.several(engine, account, names)
    hub = DeskHub(appid, stream, queries, node.draining)
    roster = RosterWatch(appid, RosterNews(waiting, appid), attendance.refresh)
    work = Work(account, sender, MediaFetcher(account, api, files, pool), Series(client, appid))
    return Served(account, api, hub, roster, notices, plans, transfer_rules, files), work


def _watch_for_trouble(services: Services, jobs: Jobs) -> None:
    """Alarms to the team's webhook, where the settings name one."""
    settings, board = services.settings, AlarmBoard(services.redis)
    if settings.alert_webhook is None:
        return
    for served in services.served.values():
        served.api.on_quota = quota_listener(board, served.account.appid)
    watch = Watch(
        board,
        Webhook(settings.alert_webhook.get_secret_value(), outbound=_outbound(settings)),
        [Watched(s.account, s.api.token_trouble) for s in services.served.values()],
        Limits(settings.alert_wait_s * 1000, settings.alert_dead),
        services.node.node_id,
        settings.alert_every_s * 1000,
        settings.alert_format,
        services.database_up,
    )
    jobs.watch(settings.alert_every_s, watch.look)


def _outbound(settings: Settings) -> Outbound:
    return Outbound(settings.outbound_hosts, revealed(settings.outbound_proxy))


def _database(settings: Settings, node: NodeContext) -> Engine:
    url = settings.sqlalchemy_url.get_secret_value()
    try:
        engine = opened(
            url, settings.data_dir, lambda line: report(StartError(line)), node.draining
        )
        refuse_unfinished(engine)
        return engine
    except StorageError as error:
        raise StartError(f"database: {error}") from None


def _logins(settings: Settings, node: NodeContext, client: Redis) -> Logins:
    keys = [revealed(key).encode() for key in (node.secret_key, settings.secret_key_previous)]
    return Logins(client, keys[0], keys[1] or None)


def _refuse_incompatible_nodes(settings: Settings, node: NodeContext) -> None:
    """Refuse to start if another node uses this Redis and the two cannot share presence."""
    if node.embedded:
        return
    alone = not settings.zookeeper_hosts
    lease = NodeLease(store_client(node.redis_url, 1), node.node_id, alone=alone)
    lease.take()
    _running.append(lease.release)


def _settings_watch(settings: Settings, node: NodeContext) -> Callable[[], tuple[str, ...]]:
    """Return what names the settings in which nodes differ; an embedded node has no others."""
    if node.embedded:
        return tuple
    key = revealed(node.secret_key).encode()
    client = store_client(node.redis_url, 1)
    watch = SettingsWatch(client, node.node_id, digests(settings, key))
    watch.start()
    _running.append(watch.stop)
    return watch.differing


def _zookeeper(settings: Settings, node: NodeContext) -> ZooKeeperHub | None:
    if not settings.zookeeper_hosts:
        return None
    login = revealed(settings.zookeeper_auth)
    hub = ZooKeeperHub(settings.zookeeper_hosts, node.node_id, login=login)
    _running.append(hub.close)  # once more after _stop; the only time where the node does not start
    return hub


def _plans(settings: Settings, engine: Engine, appid: str) -> Plans:
    try:
        return Plans(engine, appid, settings.timezone)
    except BadRule as error:
        raise StartError(f"config/routing.toml: {error}") from None


def _stop(
    services: Services,
    zookeeper: ZooKeeperHub | None,
    pool: ThreadPoolExecutor,
    jobs: Jobs,
    works: Iterable[Work],
) -> None:
    jobs.stop()
    for work in works:
        work.sender.stop()
    for served in services.served.values():
        served.hub.stop()
        served.roster.stop()
        served.account.attendance.close()
    if zookeeper is not None:
        zookeeper.close()
    pool.shutdown(wait=True, cancel_futures=True)
    services.background.stop()
    services.engine.dispose()
    services.redis.close()
