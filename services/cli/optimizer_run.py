"""The commands that ask the optimizer: read the file, ask, show, draw."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fiducia.optimizer.v1 import backtest_pb2, goal_pb2, objective_pb2, portfolio_pb2, rebalance_pb2, risk_pb2
from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from google.protobuf.message import Message
from rich.console import RenderableType
from rich.text import Text

from services.cli.optimizer_backtest import show_backtest
from services.cli.optimizer_call import CALL_SECONDS, Optimizer, optimizer
from services.cli.optimizer_frontier import show_frontier
from services.cli.optimizer_optimal import show_optimization
from services.cli.optimizer_picture_fan import draw_fan
from services.cli.optimizer_picture_frontier import draw_frontier
from services.cli.optimizer_picture_past import draw_backtest
from services.cli.optimizer_picture_rebalance import draw_rebalance
from services.cli.optimizer_picture_risk import draw_risk
from services.cli.optimizer_plot import check_plot, write_picture
from services.cli.optimizer_project import show_projection
from services.cli.optimizer_rebalance import show_rebalance
from services.cli.optimizer_request import RequestFile, read_request
from services.cli.optimizer_risk import show_risk
from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

if TYPE_CHECKING:
    from matplotlib.figure import Figure

M = TypeVar("M", bound=Message)
R = TypeVar("R", bound=Message)


@dataclass(frozen=True)
class Wanted:
    """What the user asks for.

    request: the file.
    address: host:port of an optimizer; None: that of `fiducia up`.
    market:  market snapshot to use instead of the file's; empty: the file's.
    plot:    the picture to write; None: none.
    """

    request: Path
    as_json: bool = False
    address: str | None = None
    market: str = ""
    plot: Path | None = None


async def optimize(wanted: Wanted) -> int:
    """Print the best portfolio."""
    asked = _read(wanted, service.OptimizePortfolioRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.OptimizePortfolio(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_optimization(request, response))
    best = response.optimal
    is_optimal = response.HasField("optimal")
    _draw(wanted, (lambda: draw_risk(best.weights, best.analysis)) if is_optimal else None)
    return 0


async def frontier(wanted: Wanted) -> int:
    """Print the portfolios of least volatility for increasing expected return."""
    asked = _read(wanted, service.ComputeFrontierRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.ComputeFrontier(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_frontier(response))
    if wanted.plot is None or not response.HasField("frontier"):
        _draw(wanted, None)
        return 0
    current = await _current(wanted, asked)
    _draw(wanted, lambda: draw_frontier(response.frontier.points, current))
    return 0


async def _current(
    wanted: Wanted, asked: RequestFile[service.ComputeFrontierRequest]
) -> portfolio_pb2.RiskAnalysis | None:
    """Return what to expect of what is held today, or None where the request does not say."""
    if not asked.message.problem.current_weights:
        return None
    request = _today(asked.message)
    response = await _ask(wanted, asked, lambda stub: stub.OptimizePortfolio(request, timeout=CALL_SECONDS))
    return response.optimal.current


def _today(request: service.ComputeFrontierRequest) -> service.OptimizePortfolioRequest:
    """Return a request whose answer analyses what is held today; equal weights need no limits and no search."""
    equal = objective_pb2.Objective(equal_weight=objective_pb2.EqualWeight())
    asked = service.OptimizePortfolioRequest(problem=request.problem, objective=equal)
    asked.problem.ClearField("limits")
    return asked


async def risk(wanted: Wanted) -> int:
    """Print a portfolio's risk."""
    asked = _read(wanted, risk_pb2.AnalyzeRiskRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.AnalyzeRisk(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_risk(request, response))
    _draw(wanted, lambda: draw_risk(request.weights, response.analysis, response.stresses))
    return 0


async def rebalance(wanted: Wanted) -> int:
    """Print the trades that lead to a target."""
    asked = _read(wanted, rebalance_pb2.ProposeRebalanceRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.ProposeRebalance(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_rebalance(request, response))
    _draw(wanted, lambda: draw_rebalance(request, response))
    return 0


async def project(wanted: Wanted) -> int:
    """Print what may come of a goal."""
    asked = _read(wanted, goal_pb2.SimulateGoalRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.SimulateGoal(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_projection(request, response))
    _draw(wanted, lambda: draw_fan(request, response))
    return 0


async def backtest(wanted: Wanted) -> int:
    """Print what a strategy would have done."""
    asked = _read(wanted, backtest_pb2.RunBacktestRequest())
    request = asked.message
    response = await _ask(wanted, asked, lambda stub: stub.RunBacktest(request, timeout=CALL_SECONDS))
    _print(wanted, response, lambda: show_backtest(response))
    _draw(wanted, lambda: draw_backtest(response))
    return 0


def _read(wanted: Wanted, empty: M) -> RequestFile[M]:
    """Return the request, over the market snapshot that the command names, if it does."""
    check_plot(wanted.plot)
    asked = read_request(wanted.request, empty)
    if wanted.market:
        asked.message.problem.market_snapshot = wanted.market  # type: ignore[attr-defined]
    return asked


async def _ask(wanted: Wanted, asked: RequestFile[M], call: Callable[[Optimizer], Awaitable[R]]) -> R:
    async with optimizer(wanted.address, asked) as stub:
        return await call(stub)


def _print(wanted: Wanted, response: Message, show: Callable[[], RenderableType]) -> None:
    if wanted.as_json:
        sys.stdout.write(to_json(response))
    else:
        open_console().print(show())


def _draw(wanted: Wanted, draw: Callable[[], Figure] | None) -> None:
    """Write the picture that is asked for; say where it is, or that there is nothing to draw."""
    if wanted.plot is None:
        return
    console = open_console(to_stderr=wanted.as_json)
    if draw is None:
        console.print(Text(f"{wanted.plot} is not written: there is no portfolio to draw", style="yellow"))
        return
    write_picture(draw(), wanted.plot)
    console.print(Text(f"Picture: {wanted.plot}", style="dim"))
