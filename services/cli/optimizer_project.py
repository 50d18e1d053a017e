"""A projected goal on the terminal: probability, fan, what is missing."""

from __future__ import annotations

from fiducia.optimizer.v1 import goal_pb2
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import percent
from services.cli.optimizer_tables import amount, columns, facts, heading, snapshot_line

_SHOWN_YEARS = 12


def show_projection(request: goal_pb2.SimulateGoalRequest, response: goal_pb2.SimulateGoalResponse) -> RenderableType:
    """Return the probability with its error, the extra contribution, the fan and what the numbers are."""
    return Group(
        Text.assemble(
            ("Probability that the goal is met: ", "bold"),
            (percent(response.success_probability), "bold green"),
            f" ± {percent(response.standard_error, 2)} (standard error of the draw)",
        ),
        *_details(request, response),
        Text(),
        heading("Worth in today's money"),
        _fan(request.problem.base_currency, response),
        Text(),
        Text(
            "Hypothetical: paths are drawn from assumptions about returns and inflation, after fund and advisory fees; "
            "the error is that of the draw, not of the assumptions. Not a forecast and no promise.",
            style="dim",
        ),
        snapshot_line(response.market_snapshot),
    )


def _details(request: goal_pb2.SimulateGoalRequest, response: goal_pb2.SimulateGoalResponse) -> list[RenderableType]:
    currency = request.problem.base_currency
    rows = []
    if request.HasField("wanted_probability"):
        rows.append((f"More to pay in a month for {percent(request.wanted_probability)}", _extra(currency, response)))
    if request.monthly_withdrawal:
        ruin = percent(response.ruin_probability)
        rows.append(("Paths in which a withdrawal could not be paid in full", ruin))
    if response.scramble_count:
        rows.append(("Independent scrambles of Sobol points", f"{response.scramble_count}"))
    return [facts(*rows)] if rows else []


def _extra(currency: str, response: goal_pb2.SimulateGoalResponse) -> str:
    if not response.HasField("extra_monthly_contribution"):
        return "no amount reaches it"
    extra = response.extra_monthly_contribution
    return amount(extra, currency, 2) if extra > 0 else "nothing: reached already"


def _fan(currency: str, response: goal_pb2.SimulateGoalResponse) -> RenderableType:
    """Return a dozen years of the fan at most, the first and the last among them."""
    table = columns(">Year", *(f">{_share_of_paths(found)}" for found in response.percentiles))
    points = response.fan
    every = max(1, -(-(len(points) - 1) // _SHOWN_YEARS))
    shown = [*points[:-1:every], *points[-1:]]
    for point in shown:
        table.add_row(f"{point.year:g}", *(amount(value, currency) for value in point.values))
    return table


def _share_of_paths(percentile: float) -> str:
    return "half" if percentile == 0.5 else f"{percent(percentile, 0)} below"
