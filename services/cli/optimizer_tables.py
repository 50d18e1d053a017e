"""Parts that the tables of the optimizer's answers share."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.optimizer.v1 import portfolio_pb2
from fiducia.type.v1 import weight_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.contradictions import together, way_out
from services.cli.format import percent, short
from services.cli.optimizer_words import bound_words, limit_words

BAR_WIDTH = 16
HYPOTHETICAL = "Expected values are hypothetical: nominal, from assumptions, not a forecast and no promise."
# A weight below half of the last digit shown is none.
SHOWN_WEIGHT = 0.0005


def heading(text: str) -> Text:
    """Return the title of a part."""
    return Text(text, style="bold")


def columns(*names: str) -> Table:
    """Return a table without lines; a name that begins with > stands to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in names:
        right = name.startswith(">")
        table.add_column(name.removeprefix(">"), justify="right" if right else "left", no_wrap=True)
    return table


def prose(rows: Sequence[tuple[str, str]], names: tuple[str, str]) -> Table:
    """Return a table of a short cell and a sentence, which breaks inside its own column."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(names[0], overflow="fold")
    table.add_column(names[1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def facts(*rows: tuple[str, str]) -> Table:
    """Return names with their values."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    for row in rows:
        table.add_row(*row)
    return table


def loss(fraction: float, places: int = 1) -> str:
    """Return a loss as a share; what is no loss is called a gain."""
    return percent(fraction, places) if fraction >= 0 else f"gain of {percent(-fraction, places)}"


def amount(value: float, currency: str = "", places: int = 0) -> str:
    """Return `USD 12,345`; a rounded zero has no sign."""
    number = f"{value:,.{places}f}"
    number = number.removeprefix("-") if not float(number.replace(",", "")) else number
    return f"{currency} {number}".strip()


def by_product(weights: Sequence[weight_pb2.Weight]) -> dict[str, float]:
    """Return the weights by product."""
    return {item.product_id: item.weight for item in weights}


def bullets(title: str, lines: Sequence[str]) -> list[RenderableType]:
    """Return sentences below a title; nothing where there are none."""
    return [Text(), heading(title), *(Text(f"- {line}") for line in lines)] if lines else []


def snapshot_line(snapshot: str) -> Text:
    """Return which market data the answer rests on."""
    return Text(f"Market snapshot {short(snapshot)}." if snapshot else "From the request's own estimates.", style="dim")


def show_infeasibility(found: portfolio_pb2.Infeasibility) -> RenderableType:
    """Return the limits that contradict each other, and where each of them would have to give way."""
    table = columns("Limit", "Field", "Would do, all else kept")
    for limit in found.conflicts:
        table.add_row(limit_words(limit), Text(limit.field, style="dim"), _relaxed(limit))
    return Group(
        Text(f"No portfolio meets all limits. {_blame(len(found.conflicts))}", style="bold yellow"),
        table,
        Text(way_out(found), style="dim"),
        *_together(found),
    )


def _together(found: portfolio_pb2.Infeasibility) -> list[RenderableType]:
    lines = [f"{limit_words(limit)}: {_relaxed(limit)} ({limit.field})" for limit in together(found)]
    return bullets("Relaxing all of these together makes it possible", lines)


def _blame(count: int) -> str:
    return "These contradict each other:" if count > 1 else "This one cannot be met:"


def _relaxed(limit: portfolio_pb2.ConflictingLimit) -> str:
    if limit.relaxation_not_sought:
        return "not computed"
    if not limit.HasField("relaxed_bound"):
        return "cannot help alone"
    return bound_words(limit.field, limit.relaxed_bound) or f"{limit.relaxed_bound:g}"
