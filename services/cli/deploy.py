"""A whole set of services: ingest, start, await, and stop at the end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from services.cli.build import Workshop, ingest
from services.cli.errors import CliError
from services.cli.file_lock import Patience, file_lock
from services.cli.model_server import MODEL, free_port, model_command
from services.cli.running import Running
from services.cli.services import BACKENDS, ORCHESTRATOR, backend_commands, builder_environment, orchestrator_command
from services.cli.settings import CliSettings, state_home
from services.cli.stack import Stack
from services.cli.terminal import waiting

# What a command that is being stopped may still need.
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Deployment:
    """Services that answer.

    addresses:    host:port by service; at least that of the orchestrator.
    model_output: the file in which the model server reports what it does; None where it was not started here.
    workshop:     the knowledge base and the data folder; None where the services run elsewhere.
    stack:        the children; None where another command keeps them.
    """

    addresses: Mapping[str, str]
    model_output: Path | None = None
    workshop: Workshop | None = None
    stack: Stack | None = None


@asynccontextmanager
async def private_deployment(
    settings: CliSettings, console: Console, logs: Path, drain_seconds: float
) -> AsyncIterator[Deployment]:
    """Start everything for this process alone, and stop it at the end of the block, however that comes."""
    ports = state_home() / "run" / str(os.getpid())
    shop = workshop(settings, logs)
    async with file_lock(shop.data_dir / ".services.lock", _patience(shop, console)), Stack(logs, ports) as stack:
        model_url = settings.model_base_url or _start_model(stack)
        with waiting(console, "reading the knowledge base") as update:
            await ingest(shop, update)
        with waiting(console, "starting the services") as update:
            for command in backend_commands(settings, model_url, drain_seconds):
                stack.start(command)
            backends = await stack.listening(BACKENDS)
            stack.start(orchestrator_command(settings, backends, drain_seconds))
            await stack.listening((ORCHESTRATOR,))
            await stack.serving((*BACKENDS, ORCHESTRATOR), update)
        output = stack.children[MODEL].output if MODEL in stack.children else None
        yield Deployment({**stack.addresses, MODEL: model_url}, output, shop, stack)


def attached_deployment(running: Running) -> Deployment:
    """Return what `fiducia up` keeps running."""
    logs = up_logs()
    shop = Workshop(Path(running.kb), Path(running.data_dir), logs / "ingest", builder_environment(CliSettings()))
    output = logs / f"{MODEL}.out"
    return Deployment(running.addresses, output if MODEL in running.pids else None, shop)


def workshop(settings: CliSettings, logs: Path) -> Workshop:
    """Return where the builders read and write."""
    return Workshop(
        settings.kb_dir.resolve(), settings.data_dir.resolve(), logs / "ingest", builder_environment(settings)
    )


def up_logs() -> Path:
    """Return the folder of the logs of `fiducia up`."""
    return state_home() / "log"


def _start_model(stack: Stack) -> str:
    """Start the model server, which takes longest and which nothing waits for, and return its URL."""
    port = free_port()
    stack.start(model_command(port))
    return f"http://127.0.0.1:{port}/v1"


def _patience(shop: Workshop, console: Console) -> Patience:
    """Two orchestrators must not write the same records: wait for one that stops, and say so of one that stays."""
    return Patience(
        lambda: console.print(Text(f"… other services use {shop.data_dir}; waiting for them to stop")),
        _PATIENCE_SECONDS,
        CliError(
            f"other services use {shop.data_dir}: those of a `fiducia up` or `fiducia advise` elsewhere; "
            "wait for their end, or name another folder with XDG_DATA_HOME"
        ),
    )
