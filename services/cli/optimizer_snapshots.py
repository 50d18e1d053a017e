"""`fiducia market list|show|activate`: the market snapshots of an optimizer."""

from __future__ import annotations

import sys

from fiducia.optimizer.v1 import market_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from google.protobuf.message import Message
from rich.console import RenderableType

from services.cli.errors import CliError
from services.cli.optimizer_call import CALL_SECONDS, Optimizer, optimizer
from services.cli.optimizer_market import show_activation, show_snapshot, show_snapshots
from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

_PAGE = 100
_WHOLE = 64
# Shorter beginnings are slips more often than names.
_SHORTEST = 6


async def list_snapshots(address: str | None, *, as_json: bool) -> int:
    """Print all snapshots, the newest first."""
    async with optimizer(address) as stub:
        found = await _all(stub)
    _print(service.ListMarketSnapshotsResponse(snapshots=found), show_snapshots(found), as_json)
    return 0


async def show_one(name: str, address: str | None, *, as_json: bool) -> int:
    """Print what a snapshot holds; name: its digest or the beginning of it, "" for the active one."""
    async with optimizer(address) as stub:
        request = market_pb2.GetMarketSnapshotRequest(market_snapshot=await _digest(stub, name) if name else "")
        response = await stub.GetMarketSnapshot(request, timeout=CALL_SECONDS)
    _print(response, show_snapshot(response), as_json)
    return 0


async def activate(name: str, address: str | None, *, as_json: bool) -> int:
    """Make a snapshot the active one; name: its digest or the beginning of it."""
    async with optimizer(address) as stub:
        request = market_pb2.ActivateMarketSnapshotRequest(market_snapshot=await _digest(stub, name))
        response = await stub.ActivateMarketSnapshot(request, timeout=CALL_SECONDS)
    _print(response, show_activation(response), as_json)
    return 0


async def _all(stub: Optimizer) -> list[service.MarketSnapshot]:
    found: list[service.MarketSnapshot] = []
    request = service.ListMarketSnapshotsRequest(page_size=_PAGE)
    while True:
        page = await stub.ListMarketSnapshots(request, timeout=CALL_SECONDS)
        found += page.snapshots
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def _digest(stub: Optimizer, name: str) -> str:
    """Return the digest that a name stands for; raise CliError where it stands for none or for several."""
    if len(name) >= _WHOLE:
        return name
    known = [snapshot.id for snapshot in await _all(stub)]
    found = [digest for digest in known if digest.startswith(name)]
    if len(name) < _SHORTEST or len(found) != 1:
        problem = "begins the name of several snapshots" if len(found) > 1 else "names no snapshot"
        expected = f"`fiducia market list` shows them; give at least {_SHORTEST} digits of one"
        raise CliError(f"{name!r} {problem}; {expected}")
    return found[0]


def _print(message: Message, shown: RenderableType, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(to_json(message))
    else:
        open_console().print(shown)
