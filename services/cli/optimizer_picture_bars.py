"""Bars that lie, with their names on the left and their numbers at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.cli.optimizer_plot import INK, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Shares of the axis: of a number beside its bar, and of a bar that can be seen.
_ROOM, _VISIBLE = 0.16, 0.015


def as_list(axes: Axes, rows: Sequence[float], names: Sequence[str], values: Sequence[float]) -> None:
    """Write the names from top to bottom, and leave room for the numbers at the ends of the bars."""
    axes.set_yticks(list(rows), labels=list(names), color=INK)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    room = _ROOM * _span(values)
    most, goes_left = max(0.0, *values), any(_is_left(value, values) for value in values)
    axes.set_xlim(min(0.0, *values) - (room if goes_left else 0.0), most + (room if most > 0 else 0.0))
    percent_axis(axes, "x")


def numbers(axes: Axes, bars: Sequence[tuple[float, float]], values: Sequence[float]) -> None:
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
