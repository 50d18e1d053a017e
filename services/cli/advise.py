"""`fiducia advise`: a proposal for one client, on the terminal and as JSON, with everything that makes it credible."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fiducia.advisor.v1 import proposal_pb2
from rich.console import Console
from rich.text import Text

from services.cli.client_file import ClientFile
from services.cli.client_read import read_client_file
from services.cli.client_wire import file_problem, to_situation
from services.cli.connect import advisor, calls_to, running_deployment
from services.cli.demonstrate import Demonstration
from services.cli.deploy import Deployment, private_deployment, up_logs
from services.cli.errors import BAD_INPUT, FAULT, SERVICE_DOWN, CliError
from services.cli.inspect_services import loaded_services
from services.cli.proposal_file import to_json, write_proposal
from services.cli.propose import Making, propose
from services.cli.run_cost import privacy, run_cost
from services.cli.sections import Printer, print_section
from services.cli.settings import CliSettings, cache_home
from services.cli.show_prose import count_origins, show_findings, show_sources
from services.cli.show_services import show_cost, show_services
from services.cli.show_state import print_where_next, show_outcome, show_state
from services.cli.show_trace import show_trace
from services.cli.terminal import open_console, program
from services.cli.trace import best_trace

# A private stack has no other callers to wait for.
_DRAIN_SECONDS = 3.0
_QUESTION = {"en": "Why do bonds fall when interest rates rise?", "zh": "利率上升时债券为什么会下跌？"}


@dataclass(frozen=True)
class AdviseOptions:
    """What was asked for on the command line; `language` and `out` are None where the defaults hold."""

    file: Path
    as_json: bool = False
    language: str | None = None
    attacks: bool = True
    out: Path | None = None


async def advise(options: AdviseOptions, settings: CliSettings) -> int:
    """Make and show the proposal, and return the exit status."""
    client = read_client_file(options.file)
    situation = to_situation(client)
    situation.language = options.language or situation.language
    console = open_console(to_stderr=options.as_json)
    async with _deployment(settings, console) as deployment, advisor(deployment) as stub:
        print_section(console, "Services", show_services(await loaded_services(deployment)))
        demonstration = Demonstration(console, deployment, stub, enabled=options.attacks and not options.as_json)
        async with demonstration:
            printer = Printer(console, situation)
            making = Making(console, deployment, stub, printer, demonstration.prepare)
            with _file_paths(options.file, client):
                proposal = await propose(making, situation)
            if options.as_json:
                sys.stdout.write(to_json(proposal))
            if not proposal.HasField("recommendation"):
                return _end_without(console, proposal)
            file = write_proposal(proposal, options.out or settings.data_dir / "proposals")
            _show_text(console, proposal)
            held = await demonstration.run(proposal)
        print_section(console, "State", show_state(proposal))
        print_where_next(console, file, _next(proposal, deployment))
    return 0 if held else FAULT


@asynccontextmanager
async def _deployment(settings: CliSettings, console: Console) -> AsyncIterator[Deployment]:
    """Yield what `fiducia up` runs, or start everything for this command alone and stop it afterwards."""
    found = await running_deployment()
    cost = run_cost(settings, cache_home(), is_running=found is not None)
    print_section(console, "What this takes", show_cost(cost, privacy(settings)))
    if found is not None:
        yield found
        return
    async with private_deployment(settings, console, up_logs() / "advise", _DRAIN_SECONDS) as deployment:
        yield deployment


@contextmanager
def _file_paths(file: Path, client: ClientFile) -> Iterator[None]:
    """Turn what the services say of fields of their messages into fields of the client file."""
    try:
        with calls_to("orchestrator"):
            yield
    except CliError as error:
        if not error.problems:
            raise
        problems = [file_problem(problem.field, problem.message, client) for problem in error.problems]
        raise CliError(f"{file} cannot be used:", error.status, problems) from error


def _end_without(console: Console, proposal: proposal_pb2.Proposal) -> int:
    language = proposal.situation.language
    print_section(console, "State", show_outcome(proposal, language))
    return SERVICE_DOWN if proposal.HasField("failure") else BAD_INPUT


def _show_text(console: Console, proposal: proposal_pb2.Proposal) -> None:
    language = proposal.situation.language
    counts = Text(f"{count_origins(proposal.segments)}.", style="dim")
    print_section(console, "Sources", show_sources(proposal.segments), Text(), counts)
    print_section(console, "Warnings", show_findings(proposal.findings, language))
    trace = best_trace(proposal.segments, proposal.facts)
    if trace is not None:
        print_section(console, "One number, from its sentence to its roots", show_trace(trace, language))


def _next(proposal: proposal_pb2.Proposal, deployment: Deployment) -> list[str]:
    name = program()
    question = _QUESTION["zh" if proposal.situation.language == "zh" else "en"]
    ask, show = f'{name} ask "{question}"', f"{name} proposals show {proposal.id}"
    if deployment.stack is not None:
        return [f"{name} up    # in another terminal: keeps the services running for the next two", show, ask]
    return [show, ask, f"{name} advise examples/clients/cautious-saver-cn.yaml"]
