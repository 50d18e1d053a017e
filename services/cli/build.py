"""Build catalogue, text index and market snapshot from the knowledge base, side by side, when it has changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.cli.build_words import report_words
from services.cli.child import Child, Command
from services.cli.errors import BAD_INPUT, FAULT, CliError, Problem
from services.cli.file_lock import Patience, file_lock
from services.cli.kb_stamp import Reports, kb_digest, read_stamp, write_stamp

# The folder below the data folder, and the program that writes it.
BUILDERS = {
    "catalogue": "services.orchestrator.catalogue",
    "index": "services.retrieval.ingest",
    "market": "services.optimizer.ingest",
}
_REFUSED = 2
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 600.0  # A build takes a minute; ten are those of a slow machine.

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """What the builders said last, by folder; `fresh` is False where nothing had changed since the last time."""

    reports: Reports
    fresh: bool


@dataclass(frozen=True)
class Workshop:
    """Where the builders read and write, and what they are told."""

    kb: Path
    data_dir: Path
    log_folder: Path
    environment: Mapping[str, str]


async def ingest(shop: Workshop, progress: Progress, *, force: bool = False) -> Built:
    """Build what is not up to date; raise CliError with every problem the builders found."""
    if not shop.kb.is_dir():
        raise CliError(f"{shop.kb} is not a folder; name that of the knowledge base, such as kb/")
    shop.data_dir.mkdir(parents=True, exist_ok=True)
    patience = Patience(
        partial(progress, "another command is reading the knowledge base; waiting for it"),
        _PATIENCE_SECONDS,
        CliError(f"another command has been reading into {shop.data_dir} for {_PATIENCE_SECONDS:.0f} s; look at it"),
    )
    async with file_lock(shop.data_dir / ".ingest.lock", patience):
        digest = kb_digest(shop.kb)
        known = None if force else read_stamp(shop.data_dir, digest)
        if known is not None:
            return Built(known, fresh=False)
        commands = {name: _builder(shop, name, module) for name, module in BUILDERS.items()}
        reports = await run_builders(commands, shop.log_folder, progress)
        write_stamp(shop.data_dir, digest, reports)
        return Built(reports, fresh=True)


async def run_builders(commands: Mapping[str, Command], log_folder: Path, progress: Progress) -> Reports:
    """Run the builders side by side to their end, and return the last line of each."""
    children = {name: Child(command, log_folder) for name, command in commands.items()}
    try:
        while any(child.exit_status is None for child in children.values()):
            progress("reading the knowledge base: " + ", ".join(_doing(children)))
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        for child in children.values():
            child.kill()
    _require_success(children)
    return {name: last_report(child.output) for name, child in children.items()}


def last_report(output: Path) -> dict[str, object]:
    """Return the last line of a builder's output that is a JSON object; empty when there is none yet."""
    for line in reversed(output.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict):
            return report
    return {}


def _builder(shop: Workshop, folder: str, module: str) -> Command:
    arguments = ("-m", module, str(shop.kb), str(shop.data_dir / folder))
    return Command(folder, arguments, shop.environment)


def _doing(children: Mapping[str, Child]) -> list[str]:
    return [f"{name} {_words(child)}" for name, child in children.items()]


def _words(child: Child) -> str:
    if child.exit_status is not None:
        return "done"
    return report_words(last_report(child.output))


def _require_success(children: Mapping[str, Child]) -> None:
    failed = {name: child for name, child in children.items() if child.exit_status}
    if not failed:
        return
    if any(child.exit_status != _REFUSED for child in failed.values()):
        name, child = next((n, c) for n, c in failed.items() if c.exit_status != _REFUSED)
        raise CliError(f"the {name} builder failed with status {child.exit_status}:\n{child.tail()}", FAULT)
    lines = [line for child in failed.values() for line in child.log.read_text(encoding="utf-8").splitlines() if line]
    problems = [Problem("", line) for line in dict.fromkeys(lines)]
    raise CliError("the knowledge base has problems; nothing was changed where they are", BAD_INPUT, problems)
