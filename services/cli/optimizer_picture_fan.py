"""The picture of a projected goal: a fan of outcomes over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import goal_pb2

from services.cli.format import percent
from services.cli.optimizer_plot import BLUE, GREEN, INK, RED, new_figure, plain
from services.cli.optimizer_tables import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Height of a line of small print, as a share of the picture's.
_GAP = 0.04
_CAPTION = (
    "In today's money, after fund and advisory fees. Hypothetical: paths are drawn from assumptions about returns and "
    "inflation;\nthe probability's error is that of the draw, not of the assumptions. Not a forecast and no promise."
)


def draw_fan(request: goal_pb2.SimulateGoalRequest, response: goal_pb2.SimulateGoalResponse) -> Figure:
    """Return bands from the lowest to the highest percentile around the middle path, with the goal."""
    chance = f"{percent(response.success_probability)} ± {percent(response.standard_error, 2)}"
    figure = new_figure(f"The goal is met with a probability of {chance}", _CAPTION)
    axes = plain(figure.add_axes((0.105, 0.17, 0.775, 0.7)))
    _bands(axes, response)
    _marks(axes, request, response)
    _money_axis(axes, request.problem.base_currency)
    axes.set_xlim(response.fan[0].year, response.fan[-1].year)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Years from today", color=INK)
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def _bands(axes: Axes, response: goal_pb2.SimulateGoalResponse) -> None:
    """Fill between the outermost percentiles, then the next, and draw the middle as a line."""
    years = [point.year for point in response.fan]
    paths = [[point.values[i] for point in response.fan] for i in range(len(response.percentiles))]
    middle = len(paths) // 2
    for i in range(middle):
        low, high = response.percentiles[i], response.percentiles[-1 - i]
        label = f"{percent(high - low, 0)} of the paths"
        axes.fill_between(years, paths[i], paths[-1 - i], color=BLUE, alpha=0.16 + 0.14 * i, linewidth=0, label=label)
    axes.plot(years, paths[middle], color=BLUE, linewidth=2.4, label="Half of the paths are above")


def _marks(axes: Axes, request: goal_pb2.SimulateGoalRequest, response: goal_pb2.SimulateGoalResponse) -> None:
    """Mark the goal, the start of withdrawals and the worth at the end."""
    currency, last = request.problem.base_currency, response.fan[-1]
    if request.target_value:
        label = f"Goal: {amount(request.target_value, currency)}"
        axes.axhline(request.target_value, color=RED, linestyle=(0, (5, 3)), linewidth=1.6, label=label)
    if request.HasField("withdrawal_start_year") and request.withdrawal_start_year < last.year:
        axes.axvline(
            request.withdrawal_start_year, color=GREEN, linewidth=1.3, linestyle=":", label="Withdrawals begin"
        )
    for place, text in _labels(response):
        axes.annotate(
            text, (last.year, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8, color=INK,
            annotation_clip=False,
        )  # fmt: skip


def _labels(response: goal_pb2.SimulateGoalResponse) -> list[tuple[float, str]]:
    """Return heights and texts of the worth at the end, from the lowest, none upon another; equal ones are one."""
    shares: dict[float, list[str]] = {}
    for value, share in zip(response.fan[-1].values, response.percentiles, strict=True):
        shares.setdefault(_rounded(value), []).append(percent(share, 0))
    gap = _GAP * max(max(point.values) for point in response.fan)
    labels: list[tuple[float, str]] = []
    for value, found in sorted(shares.items()):
        place = max(value, labels[-1][0] + gap) if labels else value
        labels.append((place, f"{amount(value)}  ({', '.join(found)})"))
    return labels


def _rounded(value: float) -> float:
    """Return the amount to three figures: more would look more certain than it is."""
    return float(f"{value:.3g}")


def _money_axis(axes: Axes, currency: str) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel(f"Worth in {currency} of today" if currency else "Worth in today's money", color=INK)
