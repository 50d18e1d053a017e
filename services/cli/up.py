"""`fiducia up`: everything started, kept running, and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

from rich.console import Console
from rich.text import Text

from services.cli.deploy import Deployment, private_deployment, up_logs
from services.cli.errors import CliError
from services.cli.inspect_services import loaded_services
from services.cli.model_server import MODEL
from services.cli.model_wait import await_model
from services.cli.run_cost import privacy, run_cost
from services.cli.running import Running, read_running, remove_running, write_running
from services.cli.sections import print_section
from services.cli.services import BACKENDS, ORCHESTRATOR
from services.cli.settings import CliSettings, cache_home
from services.cli.show_services import show_cost, show_services
from services.cli.stack import Stack
from services.cli.terminal import open_console, program, waiting

_POLL_SECONDS = 0.5
# What the services allow running calls by default.
_DRAIN_SECONDS = 20.0


async def up(settings: CliSettings) -> int:
    """Keep the services running until a signal comes; raise CliError when one of them ends by itself."""
    running = read_running()
    if running is not None:
        raise CliError(f"the services run already, kept by process {running.pid}; stop them there first")
    console = open_console()
    cost = run_cost(settings, cache_home(), is_running=False)
    print_section(console, "What this takes", show_cost(cost, privacy(settings)))
    async with (
        private_deployment(settings, console, up_logs(), _DRAIN_SECONDS) as deployment,
        _announced(deployment, settings),
    ):
        print_section(console, "Services", show_services(await loaded_services(deployment)))
        console.print(Text(f"\nLogs: {up_logs()}.  In another terminal: {program()} advise CLIENT.yaml"))
        await _keep(console, deployment)
    return 0


@contextlib.asynccontextmanager
async def _announced(deployment: Deployment, settings: CliSettings) -> AsyncIterator[None]:
    """Let other commands find the services during the block; say so when they are stopped."""
    assert deployment.stack is not None
    pids = {name: child.pid for name, child in deployment.stack.children.items()}
    data_dir, kb = settings.data_dir.resolve(), settings.kb_dir.resolve()
    write_running(Running(os.getpid(), deployment.addresses, pids, str(data_dir), str(kb)))
    try:
        yield
    finally:
        remove_running(os.getpid())


async def _keep(console: Console, deployment: Deployment) -> None:
    """Report when the model answers or that it will not, and watch the services."""
    assert deployment.stack is not None
    watching = asyncio.create_task(_watch(deployment.stack))
    model = asyncio.create_task(_report_model(console, deployment))
    try:
        await watching
    finally:
        for task in (watching, model):
            task.cancel()
        await asyncio.gather(watching, model, return_exceptions=True)
        console.print(Text("Stopping the services: the orchestrator first, the model server last …"))


async def _watch(stack: Stack) -> None:
    while True:
        stack.require_alive((*BACKENDS, ORCHESTRATOR))
        await asyncio.sleep(_POLL_SECONDS)


async def _report_model(console: Console, deployment: Deployment) -> None:
    with waiting(console, "the model server is starting; nothing else waits for it") as update:
        missing = await await_model(deployment, update)
    if missing:
        note = f"There is no model: {missing}\nText comes from templates and is marked so. Everything else works."
        console.print(Text(note, style="yellow"))
        return
    console.print(Text(f"The model answers at {deployment.addresses[MODEL]}. Everything is ready; Ctrl-C stops it."))
