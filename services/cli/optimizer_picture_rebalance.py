"""The picture of a rebalancing: weights before, wanted and after the trades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fiducia.optimizer.v1 import rebalance_pb2

from services.cli.format import percent
from services.cli.optimizer_picture_bars import as_list, numbers
from services.cli.optimizer_plot import BLUE, GREY, ORANGE, new_figure, plain
from services.cli.optimizer_rebalance import weights_today
from services.cli.optimizer_tables import SHOWN_WEIGHT, by_product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# With more rows the numbers at the ends of the bars run into each other.
_MOST_ROWS = 10
_HEIGHT = 0.27
_CASH = "Cash"
_CAPTION = (
    "Shares of everything that is held: lots at the request's prices and cash, what is paid in or taken out included. "
    "The target is that of the request,\nless the share kept in cash. Whole lots, costs, taxes and small trades keep "
    "the weights after the trades apart from it; what replaces a product counts as that product in the distance."
)


@dataclass(frozen=True)
class _Row:
    """The weights of one product, or of cash, per cent."""

    name: str
    before: float
    target: float
    after: float

    @property
    def largest(self) -> float:
        return max(self.before, self.target, self.after)


def draw_rebalance(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> Figure:
    """Return three bars for each product and for cash, from the largest wanted weight down, cash last."""
    figure = new_figure(_title(response), _CAPTION)
    rows = _rows(request, response)
    _bars(figure.add_axes((0.11, 0.17, 0.845, 0.66)), rows)
    return figure


def _title(response: rebalance_pb2.ProposeRebalanceResponse) -> str:
    if not response.trades:
        return f"No trades: {percent(response.drift_before)} away from the target"
    return f"{percent(response.drift_before)} away from the target, {percent(response.drift_after)} after the trades"


def _rows(
    request: rebalance_pb2.ProposeRebalanceRequest, response: rebalance_pb2.ProposeRebalanceResponse
) -> list[_Row]:
    """Return what is held or wanted; many small products are one row."""
    before, after = weights_today(request), by_product(response.weights_after)
    target = _target(request)
    every = [
        _Row(name, 100 * before.get(name, 0.0), 100 * target.get(name, 0.0), 100 * after.get(name, 0.0))
        for name in dict.fromkeys([*before, *target, *after])
    ]
    shown = sorted((row for row in every if row.largest >= 100 * SHOWN_WEIGHT), key=lambda row: -row.target)
    if len(shown) > _MOST_ROWS:
        largest = sorted(shown, key=lambda row: -row.largest)[: _MOST_ROWS - 1]
        rest = [row for row in shown if row not in largest]
        shown = [*(row for row in shown if row in largest), _sum("others", rest)]
    # What the products leave to one is cash; rounding may make that a hair less than none.
    whole = _sum("", every)
    return [*shown, _Row(_CASH, *(max(100 - sum_, 0.0) for sum_ in (whole.before, whole.target, whole.after)))]


def _target(request: rebalance_pb2.ProposeRebalanceRequest) -> dict[str, float]:
    """Return what is wanted, scaled down where it leaves less than the cash that is to be kept."""
    wanted = by_product(request.target_weights)
    total, room = sum(wanted.values()), 1.0 - request.cash_kept
    scale = room / total if total > room else 1.0
    return {name: scale * share for name, share in wanted.items()}


def _sum(name: str, rows: list[_Row]) -> _Row:
    return _Row(name, sum(row.before for row in rows), sum(row.target for row in rows), sum(row.after for row in rows))


def _bars(axes: Axes, rows: list[_Row]) -> None:
    plain(axes)
    series = (
        ("Before", GREY, [row.before for row in rows]),
        ("Target", ORANGE, [row.target for row in rows]),
        ("After the trades", BLUE, [row.after for row in rows]),
    )
    every = [value for _, _, values in series for value in values]
    for i, (label, colour, values) in enumerate(series):
        places = [row + (i - 1) * _HEIGHT for row in range(len(rows))]
        axes.barh(places, values, _HEIGHT, color=colour, label=label)
        numbers(axes, list(zip(places, values, strict=True)), every)
    as_list(axes, list(range(len(rows))), [row.name for row in rows], every)
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3)
