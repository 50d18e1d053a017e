"""Market snapshots on the terminal: what they hold, and every fault of prices by product."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fiducia.optimizer.v1 import market_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from services.cli.format import day, short
from services.cli.optimizer_tables import columns, facts, heading


def show_import(
    request: market_pb2.ImportMarketDataRequest, response: market_pb2.ImportMarketDataResponse
) -> RenderableType:
    """Return the snapshot, what it holds, and the faults by product."""
    period = f"{day(response.first_date)} to {day(response.last_date)}"
    use = "It is the active one now." if request.activate else "Use it with --market, or in problem.market_snapshot."
    return Group(
        Text.assemble(("Market snapshot ", "bold"), (response.market_snapshot, "green")),
        Text(f"{response.product_count} products, {response.day_count:,} days, {period}. {use}"),
        *_faults(response.faults),
    )


def show_snapshots(snapshots: Sequence[service.MarketSnapshot]) -> RenderableType:
    """Return one line for each snapshot, the newest first."""
    if not snapshots:
        return Text("There are no market snapshots yet; `fiducia ingest` and `fiducia market import` make them.")
    table = columns("Snapshot", "", "Day", "Holds", "Name")
    for found in snapshots:
        products, classes = len(found.product_ids), found.asset_class_count
        holds = f"{products} products" if products else f"{classes} asset classes"
        active = Text("active", style="green") if found.active else ""
        table.add_row(short(found.id), active, day(found.as_of), holds, Text(found.assumption_set, overflow="ellipsis"))
    return table


def show_snapshot(found: market_pb2.GetMarketSnapshotResponse) -> RenderableType:
    """Return what a snapshot holds, how estimates are made from it, and its faults."""
    is_prices = found.kind == market_pb2.MARKET_SNAPSHOT_KIND_PRICES
    state = ("  active", "green") if found.active else ("", "")
    parts: list[RenderableType] = [
        Text.assemble(("Market snapshot ", "bold"), found.market_snapshot, state),
        facts(*(_price_facts(found) if is_prices else _assumption_facts(found))),
        *_names("Products" if is_prices else "Asset classes", found.product_ids or found.asset_classes),
    ]
    return Group(*parts, *(_faults(found.faults) if is_prices else []))


def show_activation(response: market_pb2.ActivateMarketSnapshotResponse) -> RenderableType:
    """Return which snapshot is active now."""
    return Text.assemble(
        ("Market snapshot ", "bold"), (response.market_snapshot, "green"), "\nRequests that name none use it now."
    )


def _assumption_facts(found: market_pb2.GetMarketSnapshotResponse) -> list[tuple[str, str]]:
    return [
        ("Assumptions", found.name),
        ("Label", found.label.lower()),
        ("Day", day(found.last_date)),
        *_common(found),
    ]


def _price_facts(found: market_pb2.GetMarketSnapshotResponse) -> list[tuple[str, str]]:
    used = found.estimation
    returns = market_pb2.ReturnEstimator.Name(used.returns).removeprefix("RETURN_ESTIMATOR_")
    covariance = market_pb2.CovarianceEstimator.Name(used.covariance).removeprefix("COVARIANCE_ESTIMATOR_")
    return [
        ("Prices", found.name),
        ("Days", f"{found.day_count:,}, {day(found.first_date)} to {day(found.last_date)}"),
        ("Expected returns", returns.replace("_", " ").lower()),
        ("Covariance", covariance.replace("_", " ").lower()),
        ("Days used for estimates", f"the latest {used.window_days:,}" if used.window_days else "all"),
        *_common(found),
    ]


def _common(found: market_pb2.GetMarketSnapshotResponse) -> list[tuple[str, str]]:
    written = found.create_time.ToDatetime()
    return [
        ("Base currencies", ", ".join(found.currencies)),
        ("Kept on this server (UTC)", f"{written:%Y-%m-%d %H:%M}"),
    ]


def _names(title: str, names: Sequence[str]) -> list[RenderableType]:
    return [Text(), heading(f"{title} ({len(names)})"), Text(", ".join(names)), Text()]


def _faults(faults: Sequence[market_pb2.PriceFault]) -> list[RenderableType]:
    if not faults:
        return [Text("No fault was found.")]
    parts: list[RenderableType] = [Text(), heading("Faults by product; nothing was filled in")]
    ordered = sorted(faults, key=lambda fault: fault.product_id)
    for product, group in groupby(ordered, key=lambda fault: fault.product_id):
        found = list(group)
        left_out = any(fault.left_out for fault in found)
        end = ("  left out until it is mended", "yellow") if left_out else ("  kept", "green")
        parts.append(Text.assemble((product or "the whole table", "bold"), end))
        parts += [Padding(Text(f"{_kind(fault)}: {fault.description}"), (0, 0, 0, 2)) for fault in found]
    return parts


def _kind(fault: market_pb2.PriceFault) -> str:
    name = market_pb2.PriceFaultKind.Name(fault.kind).removeprefix("PRICE_FAULT_KIND_")
    return f"{day(fault.date)} {name.replace('_', ' ').lower()}"
