"""Open the database that holds the records; SQLite by default, ready for another by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from services.orchestrator.records.tables import metadata

# Long enough for another process's write, short enough to tell a stuck one.
_BUSY_MILLISECONDS = 10_000
_PRIVATE = 0o600


def open_records(url: str) -> Engine:
    """Return an engine for `url`, with the tables in place.

    url: an SQLAlchemy URL, for example sqlite:////var/lib/fiducia/records.db.
    """
    parsed = make_url(url)
    # hide_parameters: an error's text reaches the log, and parameters hold clients' situations.
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    else:
        _prepare_file(parsed.database)
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
    metadata.create_all(engine)
    return engine


def for_writing(engine: Engine) -> Engine:
    """Return the engine in a form whose transactions take SQLite's write lock when they begin.

    A transaction that reads first and writes later fails at once, without waiting, when another one wrote between.
    """
    return engine.execution_options(fiducia_writes=True)


def _prepare_file(database: str | None) -> None:
    """Create the file for its owner alone: it holds clients' situations. WAL files inherit its mode."""
    if not database or database == ":memory:":
        raise ValueError("records_url: expected the path of a file, as in sqlite:////var/lib/fiducia/records.db")
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=_PRIVATE, exist_ok=True)


def _configure(connection: Any, _record: Any) -> None:
    # The driver would begin transactions on its own, and late; `_begin` does it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("fiducia_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
