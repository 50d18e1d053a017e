"""The commands of the optimizer and their options."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import optimizer_run as runs
from services.cli import optimizer_snapshots as snapshots
from services.cli.optimizer_batch import Batch, batch
from services.cli.optimizer_import import Import, import_prices

Run = Callable[[Coroutine[Any, Any, int]], None]

Request = Annotated[Path, typer.Argument(help="YAML or JSON; see examples/optimizer/.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the response as JSON for a program to read.")]
AsLines = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each client.")]
Address = Annotated[
    str | None, typer.Option(help="host:port of an optimizer; by default the one that `fiducia up` runs.")
]
Market = Annotated[str, typer.Option(help="Market snapshot to use instead of the file's; see `fiducia market import`.")]
Shown = Annotated[
    str, typer.Argument(help="Name of a snapshot or its first digits; by default the active one.", show_default=False)
]
Snapshot = Annotated[str, typer.Argument(help="Name of a snapshot or its first digits.", show_default=False)]
Plot = Annotated[Path | None, typer.Option(help="Draw a picture into this file: .png, .svg or .pdf.")]


def add_optimizer_commands(app: typer.Typer, run: Run) -> None:
    """Register the commands; `run` ends the program with a command's status."""
    market_app = typer.Typer(help="Market data of the optimizer.", no_args_is_help=True)
    app.add_typer(market_app, name="market")
    _add_portfolios(app, run)
    _add_trades_and_time(app, run)
    _add_market(market_app, run)


def _add_portfolios(app: typer.Typer, run: Run) -> None:
    @app.command()
    def optimize(
        request: Request, as_json: AsJson = False, address: Address = None, market: Market = "", plot: Plot = None
    ) -> None:
        """Find the best portfolio under limits.

        Shows its proof, what holds it back and why products are out; or the limits that contradict each other.

        \b
        Examples:
          fiducia optimize examples/optimizer/optimize.yaml
          fiducia optimize examples/optimizer/optimize.yaml --plot risk.png
        """
        run(runs.optimize(runs.Wanted(request, as_json, address, market, plot)))

    @app.command("batch")
    def many(request: Request, as_json: AsLines = False, address: Address = None, market: Market = "") -> None:
        """Find the best portfolios of many clients over one universe.

        Each client is a row as soon as it is ready, in any order. Limits that contradict each other are an answer.
        A client whose request is wrong says so in its row and holds nobody up; the exit status is then 2.

        \b
        Examples:
          fiducia batch examples/optimizer/batch.yaml
          fiducia batch clients.json --json > portfolios.jsonl
        """
        run(batch(Batch(request, as_json, address, market)))

    @app.command()
    def frontier(
        request: Request, as_json: AsJson = False, address: Address = None, market: Market = "", plot: Plot = None
    ) -> None:
        """Compute the efficient frontier.

        \b
        Example:
          fiducia frontier examples/optimizer/frontier.yaml --plot frontier.png
        """
        run(runs.frontier(runs.Wanted(request, as_json, address, market, plot)))

    @app.command()
    def risk(
        request: Request, as_json: AsJson = False, address: Address = None, market: Market = "", plot: Plot = None
    ) -> None:
        """Analyse the risk of a portfolio.

        \b
        Example:
          fiducia risk examples/optimizer/risk.yaml --plot risk.png
        """
        run(runs.risk(runs.Wanted(request, as_json, address, market, plot)))


def _add_trades_and_time(app: typer.Typer, run: Run) -> None:
    @app.command()
    def rebalance(request: Request, as_json: AsJson = False, address: Address = None, plot: Plot = None) -> None:
        """Propose the trades from what is held to a target.

        \b
        Examples:
          fiducia rebalance examples/optimizer/rebalance.yaml
          fiducia rebalance examples/optimizer/rebalance.yaml --plot weights.png
        """
        run(runs.rebalance(runs.Wanted(request, as_json, address, plot=plot)))

    @app.command()
    def project(
        request: Request, as_json: AsJson = False, address: Address = None, market: Market = "", plot: Plot = None
    ) -> None:
        """Project a goal into the future.

        \b
        Example:
          fiducia project examples/optimizer/project.yaml --plot fan.png
        """
        run(runs.project(runs.Wanted(request, as_json, address, market, plot)))

    @app.command()
    def backtest(
        request: Request, as_json: AsJson = False, address: Address = None, market: Market = "", plot: Plot = None
    ) -> None:
        """Run a strategy over past prices.

        Needs a market snapshot of prices: `fiducia market import` prints its name.

        \b
        Example:
          fiducia backtest examples/optimizer/backtest.yaml --market SNAPSHOT --plot past.png
        """
        run(runs.backtest(runs.Wanted(request, as_json, address, market, plot)))


def _add_market(app: typer.Typer, run: Run) -> None:
    @app.command("import")
    def market_import(
        request: Request,
        prices: Annotated[Path, typer.Option(help="Table of prices: CSV or Parquet.", show_default=False)],
        as_json: AsJson = False,
        address: Address = None,
    ) -> None:
        """Keep a table of prices as a market snapshot.

        Reports every fault of the prices by product; nothing is filled in.

        \b
        Example:
          fiducia market import examples/optimizer/market-import.yaml --prices prices.csv
        """
        run(import_prices(Import(request, prices, as_json, address)))

    @app.command("list")
    def market_list(as_json: AsJson = False, address: Address = None) -> None:
        """List the market snapshots, newest first.

        \b
        Example:
          fiducia market list
        """
        run(snapshots.list_snapshots(address, as_json=as_json))

    @app.command("show")
    def market_show(snapshot: Shown = "", as_json: AsJson = False, address: Address = None) -> None:
        """Show what a snapshot holds, with the faults that its import found.

        \b
        Examples:
          fiducia market show
          fiducia market show 3f9a2c41d0be
        """
        run(snapshots.show_one(snapshot, address, as_json=as_json))

    @app.command("activate")
    def market_activate(snapshot: Snapshot, as_json: AsJson = False, address: Address = None) -> None:
        """Make a snapshot the one that requests use when they name none.

        \b
        Example:
          fiducia market activate 3f9a2c41d0be
        """
        run(snapshots.activate(snapshot, address, as_json=as_json))
