"""`fiducia ingest`: check the knowledge base and build what the services load."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.build import Built, Workshop, ingest
from services.cli.deploy import up_logs
from services.cli.format import short
from services.cli.services import builder_environment
from services.cli.settings import CliSettings
from services.cli.terminal import open_console, waiting

_NOT_COUNTS = ("event", "digest", "detail", "seconds", "active")


async def ingest_command(kb: Path | None, settings: CliSettings, *, force: bool, as_json: bool) -> int:
    """Build what has changed, and print what came of it."""
    console = open_console(to_stderr=as_json)
    shop = Workshop(
        (kb or settings.kb_dir).resolve(),
        settings.data_dir.resolve(),
        up_logs() / "ingest",
        builder_environment(settings),
    )
    with waiting(console, "reading the knowledge base") as update:
        built = await ingest(shop, update, force=force)
    if as_json:
        sys.stdout.write(json.dumps({"fresh": built.fresh, **built.reports}, ensure_ascii=False) + "\n")
    else:
        console.print(show_built(built))
    return 0


def show_built(built: Built) -> RenderableType:
    """Return what was built, or that nothing had changed."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
        pad_edge=False,
        title=None if built.fresh else "Nothing has changed since the last time; --force builds again.",
        title_justify="left",
    )
    table.add_column("Built", no_wrap=True)
    table.add_column("Digest", no_wrap=True)
    table.add_column("What is in it", ratio=1, overflow="fold")
    for name, report in built.reports.items():
        table.add_row(Text(name, style="bold"), short(str(report.get("digest", ""))), _counts(report))
    return table


def _counts(report: Mapping[str, object]) -> Text:
    counts = (f"{key.replace('_', ' ')} {value}" for key, value in report.items() if key not in _NOT_COUNTS)
    return Text(", ".join(counts))
