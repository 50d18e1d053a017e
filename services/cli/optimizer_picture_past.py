"""The picture of a back-test: worth over time, and below it the falls from the peak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import backtest_pb2

from services.cli.format import percent
from services.cli.optimizer_plot import BLUE, GREY, INK, RED, new_figure, percent_axis, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CAPTION = (
    "Hypothetical: what would have happened, after trading costs, with fund fees as the prices hold them; weights from "
    "earlier prices only.\nThe benchmark pays no trading costs. The past is no promise."
)


def draw_backtest(response: backtest_pb2.RunBacktestResponse) -> Figure:
    """Return the worth of strategy and benchmark above their falls from the peak."""
    days = [date(point.date.year, point.date.month, point.date.day) for point in response.points]
    worth = [point.value for point in response.points]
    other = [point.benchmark_value for point in response.points if point.HasField("benchmark_value")]
    metrics = response.metrics
    title = (
        f"What the strategy would have done: {percent(metrics.annual_return)} a year, "
        f"largest fall {percent(metrics.max_drawdown)}"
    )
    figure = new_figure(title, _CAPTION)
    place = {"left": 0.08, "right": 0.965, "top": 0.86, "bottom": 0.15, "hspace": 0.22}
    grid = figure.add_gridspec(2, 1, height_ratios=(2, 1), **place)
    upper = figure.add_subplot(grid[0])
    _worth(upper, days, worth, other)
    _falls(figure.add_subplot(grid[1], sharex=upper), days, worth, other)
    return figure


def falls(worth: Sequence[float]) -> list[float]:
    """Return the distance from the highest worth so far, 0 or below, a fraction."""
    return [value / peak - 1.0 for value, peak in zip(worth, accumulate(worth, max), strict=True)]


def _worth(axes: Axes, days: list[date], worth: list[float], other: list[float]) -> None:
    plain(axes, "Worth of 1 at the start")
    axes.plot(days, worth, color=BLUE, linewidth=1.8, label=f"Strategy ({worth[-1]:.2f})")  # type: ignore[arg-type]
    if other:
        label = f"Benchmark ({other[-1]:.2f})"
        axes.plot(days, other, color=GREY, linewidth=1.5, label=label)  # type: ignore[arg-type]
    axes.tick_params(labelbottom=False)
    axes.legend(frameon=False, fontsize=9, loc="upper left")


def _falls(axes: Axes, days: list[date], worth: list[float], other: list[float]) -> None:
    plain(axes, "Fall from the peak")
    mine = [100 * fall for fall in falls(worth)]
    axes.fill_between(days, mine, 0, color=RED, alpha=0.35, linewidth=0)  # type: ignore[arg-type]
    axes.plot(days, mine, color=RED, linewidth=0.9)  # type: ignore[arg-type]
    if other:
        axes.plot(days, [100 * fall for fall in falls(other)], color=GREY, linewidth=1.0)  # type: ignore[arg-type]
    axes.set_xlim(days[0], days[-1])  # type: ignore[arg-type]
    axes.set_ylim(top=0)
    axes.set_xlabel("", color=INK)
    percent_axis(axes, "y")
