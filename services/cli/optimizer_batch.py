"""`fiducia batch`: portfolios for many clients over one universe, a row for each as it is ready."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from google.protobuf.json_format import MessageToJson
from rich.text import Text

from services.cli.errors import BAD_INPUT
from services.cli.format import percent
from services.cli.optimizer_call import optimizer
from services.cli.optimizer_fields import line_of
from services.cli.optimizer_request import RequestFile, read_request
from services.cli.optimizer_tables import SHOWN_WEIGHT
from services.cli.terminal import open_console

_LARGEST_SHOWN = 3
_NAME_WIDTH = 24
_WORDS = {"optimal": "with a portfolio", "infeasibility": "with limits that contradict each other", "error": "failed"}

Request = service.BatchOptimizePortfoliosRequest
Row = service.BatchOptimizePortfoliosResponse


@dataclass(frozen=True)
class Batch:
    """The request's file; market: a snapshot to use instead of the file's, empty for the file's."""

    request: Path
    as_json: bool = False
    address: str | None = None
    market: str = ""


async def batch(wanted: Batch) -> int:
    """Print each client's result as it comes; the status is 2 where any client's request failed."""
    asked = read_request(wanted.request, Request())
    if wanted.market:
        asked.message.universe.market_snapshot = wanted.market
    width = min(max((len(item.item_id) for item in asked.message.items), default=0), _NAME_WIDTH)
    console, outcomes = open_console(), Counter[str]()
    async for row in _rows(wanted, asked):
        outcomes[row.WhichOneof("outcome") or ""] += 1
        if wanted.as_json:
            sys.stdout.write(MessageToJson(row, indent=None, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            console.print(Text(f"{row.item_id:{width}}  ", style="bold") + row_words(row, asked))
    if not wanted.as_json:
        console.print(Text(_summary(outcomes), style="dim"))
    return BAD_INPUT if outcomes["error"] else 0


async def _rows(wanted: Batch, asked: RequestFile[Request]) -> AsyncIterator[Row]:
    async with optimizer(wanted.address, asked) as stub:
        # Without a deadline: ten thousand clients take minutes, and Ctrl-C ends the stream.
        async for row in stub.BatchOptimizePortfolios(asked.message):
            yield row


def row_words(row: Row, asked: RequestFile[Request]) -> Text:
    """Return one client's result in a line: the largest weights, the contradiction, or what failed."""
    match row.WhichOneof("outcome"):
        case "optimal":
            return _portfolio(row.optimal)
        case "infeasibility":
            fields = ", ".join(conflict.field for conflict in row.infeasibility.conflicts)
            return Text(f"contradiction: {fields}", style="yellow")
        case _:
            field = row.error.message.split(": ", 1)[0]
            line = line_of(field, asked.lines) if field.startswith(("items", "universe")) else None
            where = "" if line is None else f" (line {line})"
            return Text(f"failed: {row.error.reason}: {row.error.message}{where}", style="red")


def _portfolio(best: service.OptimalPortfolio) -> Text:
    """Return `return 4.10 %  volatility 8.20 %  VTI 40.0 %, BND 30.0 %, 2 more`."""
    held = sorted((weight for weight in best.weights if weight.weight >= SHOWN_WEIGHT), key=lambda w: -w.weight)
    largest = ", ".join(f"{weight.product_id} {percent(weight.weight)}" for weight in held[:_LARGEST_SHOWN])
    more = f", {len(held) - _LARGEST_SHOWN} more" if len(held) > _LARGEST_SHOWN else ""
    expected, volatility = percent(best.analysis.expected_return_net, 2), percent(best.analysis.volatility, 2)
    return Text(f"return {expected}  volatility {volatility}  {largest}{more}")


def _summary(outcomes: Counter[str]) -> str:
    parts = [f"{outcomes[name]} {words}" for name, words in _WORDS.items() if outcomes[name]]
    return f"{outcomes.total()} clients: {', '.join(parts)}."
