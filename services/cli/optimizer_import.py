"""`fiducia market import`: a table of prices becomes a market snapshot."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fiducia.optimizer.v1 import market_pb2

from services.cli.errors import CliError, Problem
from services.cli.optimizer_call import CALL_SECONDS, optimizer
from services.cli.optimizer_market import show_import
from services.cli.optimizer_request import read_request
from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

# What a server takes in one message (shared/server.py), with room for the rest of the request.
_MOST_BYTES = 32 * 1024 * 1024 - 64 * 1024


@dataclass(frozen=True)
class Import:
    """The request's file and the table of prices."""

    request: Path
    prices: Path
    as_json: bool = False
    address: str | None = None


async def import_prices(wanted: Import) -> int:
    """Print what was kept of the prices, and their faults."""
    asked = read_request(wanted.request, market_pb2.ImportMarketDataRequest())
    if asked.message.prices:
        problem = Problem("prices", f"remove it; the prices come from --prices {wanted.prices}")
        raise CliError(f"{wanted.request} cannot be used:", problems=[problem])
    asked.message.prices = _content(wanted.prices)
    async with optimizer(wanted.address, asked) as stub:
        response = await stub.ImportMarketData(asked.message, timeout=CALL_SECONDS)
    if wanted.as_json:
        sys.stdout.write(to_json(response))
    else:
        open_console().print(show_import(asked.message, response))
    return 0


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CliError(f"--prices {path} cannot be read: {error.strerror}; name a CSV or Parquet file") from error
    if not content:
        raise CliError(f"--prices {path} is empty; expected a table of dates and prices")
    if len(content) > _MOST_BYTES:
        found, most = len(content) >> 20, _MOST_BYTES >> 20
        raise CliError(
            f"--prices {path} has {found} MiB, at most {most} can be sent; send it as Parquet, or fewer days"
        )
    return content
