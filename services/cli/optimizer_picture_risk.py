"""The picture of a portfolio's risk: weight beside share of the risk, and losses under stress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import portfolio_pb2, risk_pb2
from fiducia.type.v1 import weight_pb2

from services.cli.optimizer_picture_bars import as_list, numbers
from services.cli.optimizer_plot import BLUE, GREEN, GREY, RED, new_figure, plain
from services.cli.optimizer_tables import SHOWN_WEIGHT, by_product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_BARS = 14
_HEIGHT = 0.38
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
    numbers(axes, [(y - _HEIGHT / 2, value) for y, value in zip(rows, share, strict=True)], [*share, *weight])
    numbers(axes, [(y + _HEIGHT / 2, value) for y, value in zip(rows, weight, strict=True)], [*share, *weight])
    as_list(axes, rows, [part[0] for part in parts], [*share, *weight])
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2)


def _stresses(axes: Axes, stresses: Sequence[risk_pb2.StressResult]) -> None:
    plain(axes, "Loss under stress")
    ordered = sorted(stresses, key=lambda stress: -stress.loss)[:_MOST_BARS]
    rows, losses = [float(i) for i in range(len(ordered))], [100 * stress.loss for stress in ordered]
    axes.barh(rows, losses, 0.55, color=[RED if value > 0 else GREEN for value in losses])
    numbers(axes, list(zip(rows, losses, strict=True)), losses)
    as_list(axes, rows, [stress.scenario for stress in ordered], losses)
