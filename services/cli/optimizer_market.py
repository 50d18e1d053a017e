"""Imported prices on the terminal: what was kept, and every fault by product."""

from __future__ import annotations

from itertools import groupby

from fiducia.optimizer.v1 import market_pb2
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.format import day
from services.cli.optimizer_tables import heading


def show_import(
    request: market_pb2.ImportMarketDataRequest, response: market_pb2.ImportMarketDataResponse
) -> RenderableType:
    """Return the snapshot, what it holds, and the faults by product."""
    period = f"{day(response.first_date)} to {day(response.last_date)}"
    use = "It is the active one now." if request.activate else "Use it with --market, or in problem.market_snapshot."
    return Group(
        Text.assemble(("Market snapshot ", "bold"), (response.market_snapshot, "green")),
        Text(f"{response.product_count} products, {response.day_count:,} days, {period}. {use}"),
        *_faults(response),
    )


def _faults(response: market_pb2.ImportMarketDataResponse) -> list[RenderableType]:
    if not response.faults:
        return [Text("No fault was found.")]
    parts: list[RenderableType] = [Text(), heading("Faults by product; nothing was filled in")]
    ordered = sorted(response.faults, key=lambda fault: fault.product_id)
    for product, group in groupby(ordered, key=lambda fault: fault.product_id):
        faults = list(group)
        left_out = any(fault.left_out for fault in faults)
        end = ("  left out until it is mended", "yellow") if left_out else ("  kept", "green")
        parts.append(Text.assemble((product or "the whole table", "bold"), end))
        parts += [Padding(Text(f"{_kind(fault)}: {fault.description}"), (0, 0, 0, 2)) for fault in faults]
    return parts


def _kind(fault: market_pb2.PriceFault) -> str:
    name = market_pb2.PriceFaultKind.Name(fault.kind).removeprefix("PRICE_FAULT_KIND_")
    return f"{day(fault.date)} {name.replace('_', ' ').lower()}"
