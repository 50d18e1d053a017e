"""An efficient frontier on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import percent
from services.cli.optimizer_tables import HYPOTHETICAL, columns, show_infeasibility, snapshot_line

_LARGEST_SHOWN = 3


def show_frontier(response: service.ComputeFrontierResponse) -> RenderableType:
    """Return the portfolios by increasing expected return, with the one of the best return per volatility marked."""
    if response.HasField("infeasibility"):
        return Group(show_infeasibility(response.infeasibility), snapshot_line(response.market_snapshot))
    points = response.frontier.points
    best = best_point(points)
    table = columns(">", ">Expected return", ">Volatility", ">Return / volatility", "Largest weights")
    for number, point in enumerate(points):
        mark = "  <- best" if number == best else ""
        cells = (f"{number + 1}", percent(point.expected_return_net, 2), percent(point.volatility, 2))
        row = (*cells, f"{ratio(point):.2f}", largest_weights(point) + mark)
        table.add_row(*row, style="bold green" if number == best else "")
    worst = max((proof_residual(point) for point in points), default=0.0)
    return Group(
        table,
        Text(
            f"Each portfolio is an optimum checked by its own KKT residuals; the largest residual is {worst:.1e}. "
            f"Returns are a year, after fund fees. {HYPOTHETICAL}",
            style="dim",
        ),
        snapshot_line(response.market_snapshot),
    )


def best_point(points: Sequence[service.FrontierPoint]) -> int:
    """Return the position of the portfolio with the highest expected return per volatility."""
    return max(range(len(points)), key=lambda i: ratio(points[i]), default=0)


def ratio(point: service.FrontierPoint) -> float:
    """Return expected return after fund fees per unit of volatility; 0 without volatility."""
    return point.expected_return_net / point.volatility if point.volatility > 0 else 0.0


def largest_weights(point: service.FrontierPoint) -> str:
    """Return `VTI 40 %, BND 35 %, GLD 10 %`."""
    ordered = sorted(point.weights, key=lambda item: -item.weight)[:_LARGEST_SHOWN]
    return ", ".join(f"{item.product_id} {percent(item.weight, 0)}" for item in ordered if item.weight >= 0.005)


def proof_residual(point: service.FrontierPoint) -> float:
    """Return the largest of the three residuals of a point's proof."""
    proof = point.certificate
    return max(proof.primal_residual, proof.dual_residual, proof.complementarity_residual)
