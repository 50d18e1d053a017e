"""`fiducia index documents|quarantine|release`: the documents of an index, withdrawn and let back in."""

from __future__ import annotations

from dataclasses import dataclass

from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.retrieval_call import CALL_SECONDS, Retrieval, retrieval
from services.cli.retrieval_output import counted, kind_words, print_answer, printable, trust_words
from services.cli.retrieval_snapshots import snapshot_id

_PAGE = 1_000


@dataclass(frozen=True)
class Listing:
    """Which documents are listed. snapshot: "" for the active one; collection: "" for all."""

    snapshot: str = ""
    collection: str = ""
    quarantined: bool = False


async def list_documents(wanted: Listing, address: str | None, *, as_json: bool) -> int:
    """Print all documents of a snapshot that are wanted, by id."""
    async with retrieval(address) as stub:
        request = pb.ListDocumentsRequest(
            index_snapshot=await snapshot_id(stub, wanted.snapshot),
            collection=wanted.collection,
            quarantined_only=wanted.quarantined,
            page_size=_PAGE,
        )
        found = await _all(stub, request)
    print_answer(pb.ListDocumentsResponse(documents=found), lambda: show_documents(found, wanted), as_json=as_json)
    return 0


async def rule(document: str, reason: str, address: str | None, *, release: bool, as_json: bool) -> int:
    """Withdraw a document, or let it back in."""
    async with retrieval(address) as stub:
        request = pb.QuarantineDocumentRequest(document_id=document, reason=reason, release=release)
        response = await stub.QuarantineDocument(request, timeout=CALL_SECONDS)
    print_answer(response, lambda: show_ruling(response), as_json=as_json)
    return 0


def show_documents(documents: list[pb.IndexedDocument], wanted: Listing) -> RenderableType:
    """Return one line for each document, and below those that are withdrawn why."""
    if not documents:
        which = " in quarantine" if wanted.quarantined else ""
        where = f" in the collection {wanted.collection}" if wanted.collection else ""
        return Text(f"There is no document{which}{where}.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("Document", overflow="fold")
    table.add_column("Title", ratio=1, overflow="fold")
    for name in ("", "Kind", "Trust", "Collection"):
        table.add_column(name, no_wrap=True)
    table.add_column("Passages", justify="right", no_wrap=True)
    for one in documents:
        kind, trust = kind_words(one.kind), trust_words(one.trust)
        table.add_row(
            Text(one.id), _title(one), one.language, kind, trust, Text(one.collection), f"{one.passage_count:,}"
        )
    return Group(table, Text(_counts(documents), style="dim"))


def show_ruling(response: pb.QuarantineDocumentResponse) -> RenderableType:
    """Return what holds for a document now."""
    state = ("is in quarantine", "yellow") if response.quarantined else ("may be found again", "green")
    passages = f"{counted(response.passage_count, 'passage')} of the active index"
    effect = "searches return none of it" if response.quarantined else "searches return it"
    return Text.assemble((response.document_id, "bold"), " ", state, f": {passages}; {effect} from now on.")


def _title(document: pb.IndexedDocument) -> Text:
    title = Text(printable(document.title))
    if document.flagged_passage_count:
        count = document.flagged_passage_count
        title.append(f"\n{count} flagged: {'reads' if count == 1 else 'read'} like an instruction", style="red")
    if document.quarantine_reason:
        title.append(f"\nin quarantine: {printable(document.quarantine_reason)}", style="yellow")
    return title


def _counts(documents: list[pb.IndexedDocument]) -> str:
    passages = sum(one.passage_count for one in documents)
    return f"{counted(len(documents), 'document')}, {counted(passages, 'passage')}."


async def _all(stub: Retrieval, request: pb.ListDocumentsRequest) -> list[pb.IndexedDocument]:
    found: list[pb.IndexedDocument] = []
    while True:
        page = await stub.ListDocuments(request, timeout=CALL_SECONDS)
        found += page.documents
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
