"""The picture of a portfolio's risk: weight beside share of the risk, and losses under stress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import portfolio_pb2, risk_pb2
from fiducia.type.v1 import weight_pb2

from services.cli.optimizer_plot import BLUE, GREEN, GREY, INK, RED, new_figure, percent_axis, plain
from services.cli.optimizer_tables import SHOWN_WEIGHT, by_product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_BARS = 14
_HEIGHT = 0.38
# Shares of the axis: of a number beside its bar, and of a bar that can be seen.
_ROOM, _VISIBLE = 0.16, 0.015
_CAPTION = (
    "Share of the risk: a product's part of the yearly volatility; the shares add up to 100 %. A negative share lowers "
    "the risk of the whole.\nHypothetical: from assumptions about returns and their covariance, not a forecast and no "
    "promise."
)


def draw_risk(
    weights: Sequence[weight_pb2.Weight],
    analysis: portfolio_pb2.RiskAnalysis,
    stresses: Sequence[risk_pb2.StressResult] = (),
) -> Figure:
    """Return weights and shares of the risk by product, beside the losses under stress where there are any."""
    title = f"Where the risk comes from: volatility {100 * analysis.volatility:.1f} % a year"
    figure = new_figure(title, _CAPTION)
    ratios = (1.25, 1) if stresses else (1,)
    place = {"left": 0.11, "right": 0.955, "top": 0.83, "bottom": 0.18, "wspace": 0.42}
    grid = figure.add_gridspec(1, len(ratios), width_ratios=ratios, **place)
    _products(figure.add_subplot(grid[0]), by_product(weights), analysis)
    if stresses:
        _stresses(figure.add_subplot(grid[1]), stresses)
    return figure


def _products(axes: Axes, weights: dict[str, float], analysis: portfolio_pb2.RiskAnalysis) -> None:
    plain(axes)
    volatility = analysis.volatility or 1.0
    parts = [
        (item.product_id, 100 * weights.get(item.product_id, 0.0), 100 * item.contribution / volatility)
        for item in analysis.risk_contributions
        if weights.get(item.product_id, 0.0) >= SHOWN_WEIGHT
    ]
    parts = sorted(parts, key=lambda part: -part[2])[:_MOST_BARS]
    rows = [float(i) for i in range(len(parts))]
    weight, share = [part[1] for part in parts], [part[2] for part in parts]
    axes.barh([y - _HEIGHT / 2 for y in rows], share, _HEIGHT, color=BLUE, label="Share of the risk")
    axes.barh([y + _HEIGHT / 2 for y in rows], weight, _HEIGHT, color=GREY, label="Weight")
    _numbers(axes, [(y - _HEIGHT / 2, value) for y, value in zip(rows, share, strict=True)], [*share, *weight])
    _numbers(axes, [(y + _HEIGHT / 2, value) for y, value in zip(rows, weight, strict=True)], [*share, *weight])
    _as_list(axes, rows, [part[0] for part in parts], [*share, *weight])
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)


def _stresses(axes: Axes, stresses: Sequence[risk_pb2.StressResult]) -> None:
    plain(axes, "Loss under stress")
    ordered = sorted(stresses, key=lambda stress: -stress.loss)[:_MOST_BARS]
    rows, losses = [float(i) for i in range(len(ordered))], [100 * stress.loss for stress in ordered]
    axes.barh(rows, losses, 0.55, color=[RED if value > 0 else GREEN for value in losses])
    _numbers(axes, list(zip(rows, losses, strict=True)), losses)
    _as_list(axes, rows, [stress.scenario for stress in ordered], losses)


def _as_list(axes: Axes, rows: Sequence[float], names: Sequence[str], values: Sequence[float]) -> None:
    """Write the names from top to bottom, and leave room for the numbers at the ends of the bars."""
    axes.set_yticks(list(rows), labels=list(names), color=INK)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    room = _ROOM * _span(values)
    most, goes_left = max(0.0, *values), any(_is_left(value, values) for value in values)
    axes.set_xlim(min(0.0, *values) - (room if goes_left else 0.0), most + (room if most > 0 else 0.0))
    percent_axis(axes, "x")


def _numbers(axes: Axes, bars: Sequence[tuple[float, float]], values: Sequence[float]) -> None:
    """Write the number of each bar at its end; `values` are those of the whole picture."""
    for y, value in bars:
        is_left = _is_left(value, values)
        side, shift = ("right", -4) if is_left else ("left", 4)
        axes.annotate(
            f"{value:.1f} %", (value, y), xytext=(shift, 0), textcoords="offset points", ha=side, va="center",
            fontsize=8.5, color=INK,
        )  # fmt: skip


def _is_left(value: float, values: Sequence[float]) -> bool:
    """Tell whether the number stands to the left of its bar: one too short to see takes no room there."""
    return value < -_VISIBLE * _span(values)


def _span(values: Sequence[float]) -> float:
    return (max(0.0, *values) - min(0.0, *values)) or 1.0
