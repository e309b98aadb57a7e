"""Connections to PostgreSQL, also through a pooler that gives each transaction another server connection.

Nothing is set for a session. The time-out of statements is sent with each ``BEGIN``, in the same round trip,
and behind a pooler no statement is prepared on the server. Times are numbers, so that no session's time zone
matters.

The client itself times out on a silent server. The kernel acknowledges data for a process that hangs, so
neither TCP's limits nor the server's own time-out end such a wait, and a unix socket has no such limits.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg import errors
from sqlalchemy import URL, Connection, Engine, create_engine, event

CONNECT_TIMEOUT_S: Final = 3
PROMPT_S: Final = 3.0
"""Seconds for the answer to a ping or BEGIN, which are no work for the server."""
STATEMENT_TIMEOUT_S: Final = 10.0
GRACE_S: Final = 2.0
"""Seconds after the server's own time-out at which the client's ends the wait for a silent server."""
RECYCLE_S: Final = 1800
PREPARE_AFTER: Final = 5
ASK_SERVER: Final = (
    "SELECT pg_backend_pid(), setting::int FROM pg_settings WHERE name = 'statement_timeout'"
)
DEFAULTS: Final = {  # libpq's parameters; those in KF_DATABASE_URL take precedence
    "application_name": "kfring",
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # ms that sent data may stay unacknowledged
}


class PatientConnection(psycopg.Connection[Any]):
    """A connection that waits ``limit_s`` for each answer and then closes.

    After a time-out the next answer could be the old one. ``limit_s`` None: no limit.
    """

    limit_s: float | None = PROMPT_S
    statement_s: float = STATEMENT_TIMEOUT_S
    begin: str = f"BEGIN; SET LOCAL statement_timeout = {int(STATEMENT_TIMEOUT_S * 1000)}"

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = self.limit_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:
            if timeout is None:
                self.pgconn.finish()
            raise errors.ConnectionTimeout(f"no answer within {limit:g} s") from None

    def learn(self, *, own_timeout: bool) -> None:
        """Detect a pooler; with ``own_timeout``, adopt the session's ``statement_timeout``.

        Behind a pooler a prepared statement is unknown on the next server connection. Without one, prepared
        statements save a third of the archive's time.
        """
        row = self.execute(ASK_SERVER).fetchone()
        process, timeout_ms = row or (0, 0)
        direct = process == self.info.backend_pid
        self.prepare_threshold = PREPARE_AFTER if direct else None
        if own_timeout:
            self.statement_s = max(timeout_ms / 1000, STATEMENT_TIMEOUT_S)
            self.begin = "BEGIN"


def create(url: URL, **pool: Any) -> Engine:
    """Return an engine for ``url``, not connected yet."""
    arguments = {name: value for name, value in DEFAULTS.items() if name not in url.query}
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_recycle=RECYCLE_S,
        hide_parameters=True,
        use_native_hstore=False,
        connect_args={**arguments, "autocommit": True, "prepare_threshold": None},
        **pool,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _be_prompt)
    return engine


def allow(conn: Connection, seconds: float | None) -> None:
    """Limit each statement of the transaction to ``seconds``, None for no limit."""
    conn.exec_driver_sql(f"SET LOCAL statement_timeout = {int((seconds or 0) * 1000)}")
    _driver(conn).limit_s = None if seconds is None else seconds + GRACE_S


def _connect(
    _dialect: object, _record: object, arguments: tuple[Any, ...], parameters: dict[str, Any]
) -> PatientConnection:
    made = PatientConnection.connect(*arguments, **parameters)
    try:
        made.learn(own_timeout="statement_timeout" in str(parameters.get("options", "")))
    except psycopg.Error:
        made.close()
        raise
    return made


def _begin(conn: Connection) -> None:
    # The driver is in autocommit mode: a BEGIN of its own would cost one more round trip.
    driver = _driver(conn)
    driver.limit_s = PROMPT_S
    conn.exec_driver_sql(driver.begin)
    driver.limit_s = driver.statement_s + GRACE_S


def _be_prompt(driver: PatientConnection | None, _record: object) -> None:
    if driver is not None:
        driver.limit_s = PROMPT_S


def _driver(conn: Connection) -> PatientConnection:
    driver = conn.connection.driver_connection
    assert isinstance(driver, PatientConnection)
    return driver
