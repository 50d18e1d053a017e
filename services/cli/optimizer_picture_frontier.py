"""The picture of a frontier: where today's portfolio stands, and what the portfolios along it are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2

from services.cli.optimizer_frontier import best_point, ratio
from services.cli.optimizer_plot import BLUE, GREEN, INK, RED, SERIES, new_figure, percent_axis, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = Sequence[service.FrontierPoint]

_LAYERS = 9
_SMALL = 0.005
_CAPTION = (
    "Expected return a year after fund fees, against yearly volatility; nominal, from assumptions.\n"
    "Hypothetical: not a forecast and no promise. Each point is an optimum whose proof was checked."
)


def draw_frontier(points: Points, today: portfolio_pb2.RiskAnalysis | None) -> Figure:
    """Return the frontier with today's portfolio, beside the weights along it."""
    figure = new_figure("Expected return and risk", _CAPTION)
    grid = figure.add_gridspec(1, 2, width_ratios=(1.2, 1), left=0.08, right=0.975, top=0.85, bottom=0.19, wspace=0.2)
    _curve(figure.add_subplot(grid[0]), points, today)
    _weights(figure.add_subplot(grid[1]), points)
    return figure


def _curve(axes: Axes, points: Points, today: portfolio_pb2.RiskAnalysis | None) -> None:
    plain(axes, "Portfolios of least volatility")
    xs, ys = [100 * point.volatility for point in points], [100 * point.expected_return_net for point in points]
    axes.plot(xs, ys, color=BLUE, linewidth=2.4, marker="o", markersize=4, label="Efficient frontier", zorder=3)
    best = best_point(points)
    label = f"Best return per volatility ({ratio(points[best]):.2f})"
    axes.plot(xs[best], ys[best], marker="*", markersize=17, color=GREEN, linestyle="", label=label, zorder=5)
    if today is not None:
        x, y = 100 * today.volatility, 100 * today.expected_return_net
        axes.plot(x, y, marker="D", markersize=9, color=RED, linestyle="", label="Held today", zorder=6)
        axes.annotate(
            f"{y:.1f} % at {x:.1f} %", (x, y), xytext=(9, -13), textcoords="offset points", fontsize=8.5, color=RED
        )
    axes.margins(0.09)
    axes.set_xlabel("Volatility a year", color=INK)
    axes.set_ylabel("Expected return a year", color=INK)
    percent_axis(axes, "x")
    percent_axis(axes, "y")
    axes.legend(frameon=False, fontsize=9, loc="lower right")


def _weights(axes: Axes, points: Points) -> None:
    plain(axes, "What they are made of")
    names, layers = _layers(points)
    xs = [100 * point.volatility for point in points]
    axes.stackplot(xs, layers, labels=names, colors=SERIES, linewidth=0.6, edgecolor="white")
    axes.set_ylim(0, 100)
    axes.set_xlim(min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1)
    axes.set_xlabel("Volatility a year", color=INK)
    percent_axis(axes, "x")
    percent_axis(axes, "y")
    handles, labels = axes.get_legend_handles_labels()
    columns = 5 if len(labels) > 4 else max(len(labels), 1)
    axes.legend(
        handles, labels, frameon=False, fontsize=8.5, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, -0.13),
        handlelength=1.0, columnspacing=1.0,
    )  # fmt: skip


def _layers(points: Points) -> tuple[list[str], list[list[float]]]:
    """Return the products with the largest weights anywhere, and the rest as one layer, in per cent."""
    names = [item.product_id for item in points[0].weights]
    rows = [[100 * point.weights[i].weight for point in points] for i in range(len(names))]
    ordered = sorted(range(len(names)), key=lambda i: -sum(rows[i]))
    used = [i for i in ordered if max(rows[i]) >= 100 * _SMALL]
    shown, rest = used[:_LAYERS], [i for i in ordered if i not in used[:_LAYERS]]
    layers = [rows[i] for i in shown]
    labels = [names[i] for i in shown]
    others = [sum(rows[i][k] for i in rest) for k in range(len(points))]
    if max(others, default=0.0) >= 100 * _SMALL:
        layers.append(others)
        labels.append("others")
    return labels, layers
