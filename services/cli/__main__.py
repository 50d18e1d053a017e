"""The `fiducia` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

# Before gRPC reads it: its remarks on connections that end are no business of a terminal.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import typer
from pydantic import ValidationError
from rich.text import Text

from services.cli import ask as asking
from services.cli import ingest as ingesting
from services.cli import products as catalogue
from services.cli import proposals as records
from services.cli import questionnaire as questions
from services.cli.advise import AdviseOptions
from services.cli.advise import advise as make_proposal
from services.cli.errors import BAD_INPUT, FAULT, CliError
from services.cli.interrupt import run_interruptible
from services.cli.optimizer_commands import add_optimizer_commands
from services.cli.retrieval_commands import add_retrieval_commands
from services.cli.settings import CliSettings
from services.cli.terminal import open_console
from services.cli.up import up as keep_up

app = typer.Typer(
    help="Fiducia: investment proposals whose every number is a checked fact and every claim a checked citation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    rich_markup_mode=None,
)
proposals_app = typer.Typer(help="List and show recorded proposals.", no_args_is_help=True)
products_app = typer.Typer(help="List and show the funds of the catalogue.", no_args_is_help=True)
app.add_typer(proposals_app, name="proposals")
app.add_typer(products_app, name="products")

Address = Annotated[
    str | None, typer.Option(help="host:port of an orchestrator; by default the one that `fiducia up` runs.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for a program to read.")]
Language = Annotated[str, typer.Option(help="en or zh.")]


@app.command()
def up() -> None:
    """Start all services; Ctrl-C stops them.

    They and the model keep running, so that every other command answers at once.

    \b
    Example:
      fiducia up
    """
    _end(run_interruptible(keep_up(CliSettings()), ends_by_sigterm=True))


@app.command()
def advise(
    client: Annotated[Path, typer.Argument(help="The client's situation; see examples/clients/.", show_default=False)],
    as_json: AsJson = False,
    language: Annotated[str | None, typer.Option(help="en or zh; by default the client file's own.")] = None,
    attacks: Annotated[bool, typer.Option("--attacks/--no-attacks", help="Run the two live attacks too.")] = True,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the proposal's JSON file; by default that of the user's data.")
    ] = None,
) -> None:
    """Make a proposal for a client.

    Shows it on the terminal and writes it as JSON.

    Uses the services that `fiducia up` runs; without them it starts its own and stops them afterwards.

    \b
    Examples:
      fiducia advise examples/clients/family-us.yaml
      fiducia advise examples/clients/cautious-saver-cn.yaml --language en --no-attacks
      fiducia advise client.yaml --json --out . > proposal.json
    """
    _require_language(language or "en")
    options = AdviseOptions(client, as_json, language, attacks, out)
    _end(run_interruptible(make_proposal(options, CliSettings())))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in words.", show_default=False)],
    language: Annotated[str, typer.Option(help="en or zh; by default that of the question.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="US or CN: only sources for that country.")] = "",
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question with sources.

    The answer comes from the knowledge base; without a source there is none, and it says why.

    \b
    Examples:
      fiducia ask "Why do bonds fall when interest rates rise?"
      fiducia ask "什么是久期？" --jurisdiction CN --json
    """
    _require_language(language or "en")
    _run(asking.ask(question, language, jurisdiction, address, as_json=as_json))


@app.command()
def ingest(
    kb: Annotated[Path | None, typer.Argument(help="Folder of the knowledge base.", show_default="kb")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build again even if nothing has changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check and build the knowledge base.

    Builds catalogue, text index and market snapshot; running services take them up by themselves.

    \b
    Examples:
      fiducia ingest kb/
      fiducia ingest kb/ --force --json
    """
    _run(ingesting.ingest_command(kb, CliSettings(), force=force, as_json=as_json))


@app.command()
def questionnaire(
    language: Language = "en",
    address: Address = None,
    as_json: AsJson = False,
    template: Annotated[bool, typer.Option("--template", help="Print a client file to fill in.")] = False,
) -> None:
    """Show the risk questionnaire.

    Questions and options carry the names that a client file uses.

    \b
    Examples:
      fiducia questionnaire --language zh
      fiducia questionnaire --template > client.yaml
    """
    _require_language(language)
    _run(questions.questionnaire(language, address, as_json=as_json, as_file=template))


@proposals_app.command("list")
def proposals_list(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Number of proposals.")] = 20,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """List the newest proposals.

    \b
    Example:
      fiducia proposals list --limit 5
    """
    _run(records.list_proposals(limit, address, as_json=as_json))


@proposals_app.command("show")
def proposals_show(
    proposal_id: Annotated[str, typer.Argument(help="As `fiducia proposals list` names it.", show_default=False)],
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show one proposal.

    \b
    Example:
      fiducia proposals show PROPOSAL_ID --json
    """
    _run(records.show_proposal(proposal_id, address, as_json=as_json))


@products_app.command("list")
def products_list(
    jurisdiction: Annotated[str, typer.Option(help="US or CN: only what may be advised on there.")] = "",
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """List the funds of the catalogue.

    \b
    Example:
      fiducia products list --jurisdiction CN
    """
    _run(catalogue.list_products(jurisdiction, address, as_json=as_json))


@products_app.command("show")
def products_show(
    product_id: Annotated[str, typer.Argument(help="Ticker or six-digit code.", show_default=False)],
    language: Language = "en",
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show one fund with the source of each fact.

    \b
    Example:
      fiducia products show BND
    """
    _require_language(language)
    _run(catalogue.show_product(product_id, language, address, as_json=as_json))


@app.command()
def version() -> None:
    """Print the version.

    \b
    Example:
      fiducia version
    """
    typer.echo(f"fiducia {installed_version('fiducia')}")


def _run(command: Coroutine[Any, Any, int]) -> None:
    _end(run_interruptible(command))


add_optimizer_commands(app, _run)
add_retrieval_commands(app, _run)


def main() -> None:
    """Run the command; what the user can act on is a message, never a traceback."""
    try:
        app()
    except CliError as error:
        _print_error(error)
        sys.exit(error.status)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        _print_error(CliError(f"the settings (FIDUCIA_…) cannot be used: {lines}"))
        sys.exit(BAD_INPUT)
    except OSError as error:
        _print_error(CliError(f"{error.filename or 'the system'}: {error.strerror or error}"))
        sys.exit(FAULT)


def _end(status: int) -> None:
    if status:
        raise typer.Exit(status)


def _require_language(language: str) -> None:
    if language not in ("en", "zh"):
        raise CliError(f"--language {language} is not possible; choose en or zh")


def _print_error(error: CliError) -> None:
    console = open_console(to_stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), error.message), soft_wrap=True)
    for problem in error.problems:
        field = f"{problem.field}: " if problem.field else ""
        console.print(Text.assemble("  ", (field, "bold"), problem.message), soft_wrap=True)


if __name__ == "__main__":
    main()
