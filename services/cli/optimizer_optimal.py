"""An optimal portfolio on the terminal: weights, what to expect, the proof, what holds it back, why others are out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized

from fiducia.optimizer.v1 import optimizer_service_pb2 as service
from fiducia.optimizer.v1 import portfolio_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import bar, percent, shares
from services.cli.optimizer_tables import (
    BAR_WIDTH,
    HYPOTHETICAL,
    SHOWN_WEIGHT,
    by_product,
    columns,
    heading,
    loss,
    prose,
    show_infeasibility,
    snapshot_line,
)
from services.cli.optimizer_words import bound_words, cost_words, limit_words, price_words
from services.cli.show_allocation import show_certificate

_SHOWN_ROWS = 12
_MEASURES: Sequence[tuple[str, Callable[[portfolio_pb2.RiskAnalysis], str]]] = (
    ("Expected return a year, after fund fees", lambda found: percent(found.expected_return_net, 2)),
    ("Volatility a year", lambda found: percent(found.volatility, 2)),
    ("A bad year: mean loss", lambda found: loss(found.cvar.loss, 2)),
    ("Fund fees a year", lambda found: percent(found.expense_ratio, 2)),
)


def show_optimization(
    request: service.OptimizePortfolioRequest, response: service.OptimizePortfolioResponse
) -> RenderableType:
    """Return everything about the best portfolio, or the limits that contradict each other."""
    if response.HasField("infeasibility"):
        return Group(show_infeasibility(response.infeasibility), snapshot_line(response.market_snapshot))
    best = response.optimal
    return Group(
        _weights(request.problem, best),
        Text(),
        _expectations(best),
        Text(),
        show_certificate(best.certificate, ()),
        *_search(best),
        *_limits(request, best),
        *_out(best),
        *_costs(request, best),
        Text(),
        snapshot_line(response.market_snapshot),
    )


def _weights(problem: portfolio_pb2.PortfolioProblem, best: service.OptimalPortfolio) -> RenderableType:
    """Return the weights, the largest first; products that are neither held nor chosen are counted below."""
    classes = {product.product_id: product.asset_class for product in problem.products}
    today, risks = by_product(problem.current_weights), _risk_shares(best.analysis)
    ranges = {item.product_id: f"{percent(item.low)} to {percent(item.high)}" for item in best.weight_ranges}
    table = _weight_table(bool(today), bool(ranges))
    texts = shares([item.weight for item in best.weights])
    written = {item.product_id: text for item, text in zip(best.weights, texts, strict=True)}
    shown = [w for w in best.weights if w.weight >= SHOWN_WEIGHT or today.get(w.product_id, 0.0) >= SHOWN_WEIGHT]
    largest = max((item.weight for item in shown), default=1.0) or 1.0
    for item in sorted(shown, key=lambda found: -found.weight):
        key = item.product_id
        table.add_row(
            Text(key, style="bold"),
            Text(classes[key], style="dim"),
            *([percent(today.get(key, 0.0))] if today else []),
            Text(written[key], style="bold"),
            Text(bar(item.weight / largest, BAR_WIDTH), style="cyan"),
            percent(risks.get(key, 0.0)),
            *([ranges.get(key, "")] if ranges else []),
        )
    cash = 1.0 - sum(today.values())
    if today and cash >= SHOWN_WEIGHT:
        table.add_row("cash", Text("(invested)"), percent(cash), percent(0.0), "", "", style="dim")
    missing = len(best.weights) - len(shown)
    return Group(table, *([Text(f"{missing} more products are not held.", style="dim")] if missing else []))


def _weight_table(has_today: bool, has_ranges: bool) -> Table:
    names = ["Product", "Asset class", *([">Today"] if has_today else []), ">Best", "", ">Of the risk"]
    return columns(*names, *([">If returns err"] if has_ranges else []))


def _risk_shares(analysis: portfolio_pb2.RiskAnalysis) -> dict[str, float]:
    whole = analysis.volatility or 1.0
    return {item.product_id: item.contribution / whole for item in analysis.risk_contributions}


def _expectations(best: service.OptimalPortfolio) -> RenderableType:
    analysis = best.analysis
    today = best.current if best.HasField("current") else None
    table = columns("", ">Best", *([">Today"] if today else []))
    for name, text in _MEASURES:
        table.add_row(name, Text(text(analysis), style="bold"), *([text(today)] if today else []))
    cvar = analysis.cvar
    shape = "a normal distribution" if cvar.distribution == portfolio_pb2.RETURN_DISTRIBUTION_NORMAL else "no shape"
    words = (
        f"A bad year is the mean of the worst {percent(1 - cvar.confidence, 0)} of outcomes over "
        f"{cvar.horizon_years:g} years, after fund fees, under {shape}. "
    ).replace("over 1 years", "over one year")
    return Group(table, Text(words + HYPOTHETICAL, style="dim"))


def _search(best: service.OptimalPortfolio) -> Iterator[RenderableType]:
    """Yield what qualifies the optimum: a gap of the search, a time limit, a repaired covariance."""
    if best.HasField("optimality_gap"):
        yield Text(_gap_words(best.optimality_gap))
    if best.time_limited:
        yield Text("A time limit cut the answer short; it is stored and given again.", style="yellow")
    if best.covariance_repair:
        moved = percent(best.covariance_repair, 4)
        yield Text(f"The covariance was not positive semidefinite; repaired by moving it {moved}.", style="yellow")


def _gap_words(gap: float) -> str:
    if gap == 0.0:
        return "This choice of positions is proven best."
    return f"No choice of positions can be better by more than {percent(gap, 3)} of the objective."


def _limits(request: service.OptimizePortfolioRequest, best: service.OptimalPortfolio) -> list[RenderableType]:
    if not best.binding_limits:
        return [Text(), Text("No limit holds it back.", style="bold")]
    rows = [(limit_words(limit), price_words(limit, request.objective, best.analysis)) for limit in best.binding_limits]
    return [Text(), heading("Held back by"), prose(rows[:_SHOWN_ROWS], ("Limit", "What it is worth")), *_more(rows)]


def _out(best: service.OptimalPortfolio) -> list[RenderableType]:
    """Return why products that are out are out, the nearest first."""
    if not best.reduced_costs:
        return []
    table = columns("Product", ">Expected return missing")
    nearest = sorted(best.reduced_costs, key=lambda found: found.missing_return)
    for item in nearest[:_SHOWN_ROWS]:
        table.add_row(item.product_id, _missing(item.missing_return))
    return [Text(), heading("Out, and what would bring them in"), table, *_more(nearest)]


def _missing(fraction: float) -> str:
    least = 1e-5  # The last digit that is shown.
    return f"{percent(fraction, 3)} a year" if fraction >= least / 2 else f"less than {percent(least, 3)} a year"


def _costs(request: service.OptimizePortfolioRequest, best: service.OptimalPortfolio) -> list[RenderableType]:
    """Return what each limit costs: the gain of dropping it alone, and all of them."""
    bounds = {limit.field: limit.bound for limit in best.binding_limits}
    rows = [
        (
            bound_words(item.field, bounds[item.field]) if item.field in bounds else item.field,
            f"dropping it {cost_words(item.cost, request.objective, best.analysis)}",
        )
        for item in best.limit_costs
    ]
    whole = []
    if best.HasField("all_limits_cost"):
        whole.append(Text(f"Dropping all limits {cost_words(best.all_limits_cost, request.objective, best.analysis)}."))
    if not rows:
        return [Text(), *whole] if whole else []
    table = prose(rows[:_SHOWN_ROWS], ("Limit", "What it costs"))
    return [Text(), heading("What each limit costs as a whole"), table, *_more(rows), *whole]


def _more(rows: Sized) -> list[Text]:
    rest = len(rows) - _SHOWN_ROWS
    return [Text(f"and {rest} more; --json shows all", style="dim")] if rest > 0 else []
