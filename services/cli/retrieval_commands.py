"""The commands of retrieval and their options."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import retrieval_documents as documents
from services.cli import retrieval_snapshots as snapshots
from services.cli.retrieval_import import import_documents
from services.cli.retrieval_request import ImportOptions, SearchOptions
from services.cli.retrieval_search import search as search_passages

Run = Callable[[Coroutine[Any, Any, int]], None]

AsJson = Annotated[bool, typer.Option("--json", help="Print the response as JSON for a program to read.")]
Address = Annotated[
    str | None,
    typer.Option(
        envvar="FIDUCIA_RETRIEVAL_ADDRESS",
        help="host:port of a retrieval service; by default the one that `fiducia up` runs.",
    ),
]
Name = Annotated[str, typer.Argument(help="Name of a snapshot or its first digits.", show_default=False)]
Snapshot = Annotated[
    str, typer.Option(help="Index snapshot, or its first digits; by default the active one.", show_default=False)
]
Document = Annotated[str, typer.Argument(help="As `fiducia index documents` names it.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.", show_default=False)]
Countries = Annotated[list[str] | None, typer.Option("--jurisdiction", help="US or CN; may be repeated.")]
Texts = list[str] | None


def add_retrieval_commands(app: typer.Typer, run: Run) -> None:
    """Register the commands; `run` ends the program with a command's status."""
    index_app = typer.Typer(help="Documents and snapshots of the text index.", no_args_is_help=True)
    app.add_typer(index_app, name="index")
    _add_search(app, run)
    _add_snapshots(index_app, run)
    _add_documents(index_app, run)
    _add_import(index_app, run)


def _add_search(app: typer.Typer, run: Run) -> None:
    @app.command()
    def search(
        question: Annotated[str, typer.Argument(help="What to look for, in words.", show_default=False)],
        limit: Annotated[int, typer.Option(min=1, max=50, help="Largest number of passages.")] = 5,
        language: Annotated[Texts, typer.Option(help="en or zh; may be repeated.")] = None,
        product: Annotated[Texts, typer.Option(help="Documents about this product; may be repeated.")] = None,
        asset_class: Annotated[Texts, typer.Option(help="Such as us_total_bond; may be repeated.")] = None,
        risk_level: Annotated[Texts, typer.Option(help="R1 to R5; may be repeated.")] = None,
        jurisdiction: Countries = None,
        kind: Annotated[Texts, typer.Option(help="guide, factsheet or document; may be repeated.")] = None,
        as_of: Annotated[str, typer.Option(help="Day on which passages are in force; today by default.")] = "",
        snapshot: Snapshot = "",
        everything: Annotated[bool, typer.Option("--all", help="Also passages that are hardly relevant.")] = False,
        as_json: AsJson = False,
        address: Address = None,
    ) -> None:
        """Show the passages that answer a question.

        The number beside a title is the estimated probability that the passage answers the question. Where nothing
        is relevant there are no passages; --all shows the nearest ones anyway.

        \b
        Examples:
          fiducia search "credit risk of corporate bonds" --limit 3
          fiducia search "什么是久期？" --language en --language zh --kind guide
          fiducia search "yearly fee" --product VTI --as-of 2026-01-31 --json
        """
        options = SearchOptions(
            question=question,
            limit=limit,
            languages=language or (),
            products=product or (),
            asset_classes=asset_class or (),
            risk_levels=risk_level or (),
            jurisdictions=jurisdiction or (),
            kinds=kind or (),
            as_of=as_of,
            everything=everything,
        )
        run(search_passages(options, snapshot, address, as_json=as_json))


def _add_snapshots(app: typer.Typer, run: Run) -> None:
    @app.command("list")
    def index_list(as_json: AsJson = False, address: Address = None) -> None:
        """List the index snapshots, newest first.

        \b
        Example:
          fiducia index list
        """
        run(snapshots.list_snapshots(address, as_json=as_json))

    @app.command("activate")
    def index_activate(snapshot: Name, as_json: AsJson = False, address: Address = None) -> None:
        """Make a snapshot the one that searches use when they name none.

        It is loaded and checked first; one that is damaged is refused.

        \b
        Example:
          fiducia index activate 3f9a2c41d0be
        """
        run(snapshots.activate(snapshot, address, as_json=as_json))


def _add_documents(app: typer.Typer, run: Run) -> None:
    @app.command("documents")
    def index_documents(
        collection: Annotated[str, typer.Option(help="Only those of this import, such as house-views.")] = "",
        quarantined: Annotated[bool, typer.Option("--quarantined", help="Only those in quarantine.")] = False,
        snapshot: Snapshot = "",
        as_json: AsJson = False,
        address: Address = None,
    ) -> None:
        """List the documents of the index.

        \b
        Examples:
          fiducia index documents --collection house-views
          fiducia index documents --quarantined
        """
        run(documents.list_documents(documents.Listing(snapshot, collection, quarantined), address, as_json=as_json))

    @app.command("quarantine")
    def index_quarantine(document: Document, reason: Reason, as_json: AsJson = False, address: Address = None) -> None:
        """Take a document out of all results at once.

        \b
        Example:
          fiducia index quarantine house-view-2026-pdf --reason "withdrawn by its author"
        """
        run(documents.rule(document, reason, address, release=False, as_json=as_json))

    @app.command("release")
    def index_release(document: Document, reason: Reason, as_json: AsJson = False, address: Address = None) -> None:
        """Let a document back in that was in quarantine.

        \b
        Example:
          fiducia index release house-view-2026-pdf --reason "read and approved"
        """
        run(documents.rule(document, reason, address, release=True, as_json=as_json))


def _add_import(app: typer.Typer, run: Run) -> None:
    @app.command("import")
    def index_import(
        paths: Annotated[
            list[Path] | None, typer.Argument(metavar="PATH", help="Files and folders.", show_default=False)
        ] = None,
        collection: Annotated[str, typer.Option(help="Name that the documents are kept under.")] = "documents",
        replace: Annotated[
            bool, typer.Option("--replace", help="Take out all documents of the collection but those that come in now.")
        ] = False,
        delete: Annotated[Texts, typer.Option(help="Id of a document to take out; may be repeated.")] = None,
        activate: Annotated[
            bool, typer.Option("--activate/--no-activate", help="Let searches use the new snapshot.")
        ] = True,
        source: Annotated[str, typer.Option(help="Who published the documents.")] = "",
        licence: Annotated[str, typer.Option(help="Licence of their words.")] = "",
        issuer: Annotated[str, typer.Option(help="Who stands behind them.")] = "",
        trust: Annotated[str, typer.Option(help="firm-approved, issuer or external (the default).")] = "",
        language: Annotated[str, typer.Option(help="en or zh; by default told from the words.")] = "",
        jurisdiction: Countries = None,
        as_json: AsJson = False,
        address: Address = None,
    ) -> None:
        """Bring documents into the index.

        Reads .md, .html, .pdf, .docx, .csv and .tsv files, and with `fund.pdf` a file `fund.pdf.yaml` that states its
        title, source, dates and the like. The options state what holds where a document does not say otherwise.

        A document's id follows from its path below the folder that is named: import the same folder again and
        what has changed is replaced. Folders are searched in the order of names; names that begin with a dot are
        passed over, links are not followed.

        The exit status is 0 when every document went in, and 2 when one was rejected, though the rest went in.
        What stood in the place of a rejected document stays, also with --replace.
        Until the end, and after Ctrl-C, the index is what it was before.

        \b
        Examples:
          fiducia index import research/ --collection house-views --source "Research desk" --licence Internal
          fiducia index import fund.pdf fund.pdf.yaml --trust issuer --no-activate
          fiducia index import --collection house-views --delete memo-2024-md
        """
        options = ImportOptions(
            paths=paths or (),
            collection=collection,
            replace=replace,
            delete=delete or (),
            activate=activate,
            source=source,
            licence=licence,
            issuer=issuer,
            trust=trust,
            language=language,
            jurisdictions=jurisdiction or (),
        )
        run(import_documents(options, address, as_json=as_json))
