"""`fiducia index import`: files and folders become documents of the index."""

from __future__ import annotations

import asyncio
import json
import sys

from fiducia.retrieval.v1 import import_pb2
from rich.console import Console
from rich.text import Text

from services.cli.errors import BAD_INPUT, FAULT, CliError, Problem
from services.cli.retrieval_call import Retrieval, retrieval
from services.cli.retrieval_files import Found, LeftOut, find_files
from services.cli.retrieval_outcome import Told, as_object, show_outcome
from services.cli.retrieval_progress import telling
from services.cli.retrieval_request import ImportOptions, import_plan
from services.cli.retrieval_upload import messages
from services.cli.terminal import open_console


async def import_documents(options: ImportOptions, address: str | None, *, as_json: bool) -> int:
    """Print what came of an import; the status is 2 where a document did not go in, though the rest did."""
    plan, found = import_plan(options), find_files(options.paths)
    _require_work(options, found)
    console = open_console(to_stderr=as_json)
    async with retrieval(address) as stub:
        try:
            told = await _imported(stub, plan, found, console)
        except asyncio.CancelledError:
            console.print(Text("Interrupted before the end; `fiducia index list` shows what is active.", "yellow"))
            raise
    if as_json:
        sys.stdout.write(json.dumps(as_object(told), ensure_ascii=False, indent=2) + "\n")
    else:
        console.print(show_outcome(told))
    return 0 if told.is_whole else BAD_INPUT


def _require_work(options: ImportOptions, found: Found) -> None:
    """Refuse what would empty a collection by a slip: an import of nothing, and with --replace one that lacks files."""
    faults = [Problem(one.name, one.reason) for one in found.left_out if one.is_fault]
    if options.replace and faults:
        raise CliError("with --replace these would go, since they cannot be sent:", problems=faults)
    if found.sent or (options.delete and not options.replace):
        return
    faults = [Problem(one.name, one.reason) for one in found.left_out] or [Problem("PATH", _NO_DOCUMENT)]
    raise CliError("there is nothing to import:", problems=faults)


_NO_DOCUMENT = "no document found; name files or folders that hold some, or the ids of documents to --delete"


async def _imported(stub: Retrieval, plan: import_pb2.ImportPlan, found: Found, console: Console) -> Told:
    rejected: list[import_pb2.RejectedDocument] = []
    left_out: list[LeftOut] = [*found.left_out]
    outcome: import_pb2.ImportOutcome | None = None
    with telling(console, len(found.sent)) as tell:
        # Without a deadline: a large import takes minutes, and Ctrl-C ends it.
        async for response in stub.ImportDocuments(messages(plan, found.sent, left_out)):
            match response.WhichOneof("event"):
                case "progress":
                    tell(response.progress)
                case "rejected":
                    rejected.append(response.rejected)
                case "outcome":
                    outcome = response.outcome
    if outcome is None:
        raise CliError("the import ended without an outcome; `fiducia index list` shows what is active", FAULT)
    return Told(outcome, sorted(rejected, key=lambda one: (one.path, one.field)), left_out)
