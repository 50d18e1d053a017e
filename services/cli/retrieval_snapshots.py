"""`fiducia index list|activate`: the index snapshots of a retrieval service."""

from __future__ import annotations

from fiducia.retrieval.v1 import retrieval_service_pb2 as pb
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import short
from services.cli.retrieval_call import CALL_SECONDS, Retrieval, retrieval
from services.cli.retrieval_output import counted, print_answer
from services.cli.snapshot_names import digest_of

LISTED_BY = "fiducia index list"
_PAGE = 100


async def list_snapshots(address: str | None, *, as_json: bool) -> int:
    """Print all snapshots, the newest first."""
    async with retrieval(address) as stub:
        found = await _all(stub)
    print_answer(pb.ListIndexSnapshotsResponse(snapshots=found), lambda: show_snapshots(found), as_json=as_json)
    return 0


async def activate(name: str, address: str | None, *, as_json: bool) -> int:
    """Make a snapshot the active one; name: its id or the beginning of it."""
    async with retrieval(address) as stub:
        request = pb.ActivateIndexSnapshotRequest(index_snapshot=await snapshot_id(stub, name))
        response = await stub.ActivateIndexSnapshot(request, timeout=CALL_SECONDS)
    print_answer(response, lambda: show_activation(response.snapshot), as_json=as_json)
    return 0


async def snapshot_id(stub: Retrieval, name: str) -> str:
    """Return the id that a name stands for, "" for ""; raise CliError where it stands for none or for several."""
    return digest_of(name, [found.id for found in await _all(stub)], LISTED_BY) if name else ""


def show_snapshots(snapshots: list[pb.IndexSnapshot]) -> RenderableType:
    """Return one line for each snapshot."""
    if not snapshots:
        return Text("There are no index snapshots yet; `fiducia ingest` and `fiducia index import` make them.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in ("Snapshot", "", "Built (UTC)"):
        table.add_column(name, no_wrap=True)
    for name in ("Documents", "Passages"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Encoders", ratio=1, overflow="fold")
    for one in snapshots:
        state = Text("active", style="green") if one.active else ""
        built = f"{one.create_time.ToDatetime():%Y-%m-%d %H:%M}"
        counts = (f"{one.document_count:,}", f"{one.passage_count:,}")
        table.add_row(short(one.id), state, built, *counts, Text(_encoders(one)))
    return table


def show_activation(snapshot: pb.IndexSnapshot) -> RenderableType:
    """Return which snapshot is active now."""
    counts = f"{counted(snapshot.passage_count, 'passage')} of {counted(snapshot.document_count, 'document')}"
    return Text.assemble(
        ("Index snapshot ", "bold"), (snapshot.id, "green"), f"\n{counts}; searches that name none use it now."
    )


def _encoders(snapshot: pb.IndexSnapshot) -> str:
    return ", ".join(f"{one.name} ({'+'.join(one.languages)})" for one in snapshot.encoders)


async def _all(stub: Retrieval) -> list[pb.IndexSnapshot]:
    found: list[pb.IndexSnapshot] = []
    request = pb.ListIndexSnapshotsRequest(page_size=_PAGE)
    while True:
        page = await stub.ListIndexSnapshots(request, timeout=CALL_SECONDS)
        found += page.snapshots
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
