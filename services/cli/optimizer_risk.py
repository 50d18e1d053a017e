"""A portfolio's risk on the terminal: tails, where it comes from, stresses."""

from __future__ import annotations

from fiducia.optimizer.v1 import risk_pb2
from rich.console import Group, RenderableType
from rich.text import Text

from services.cli.format import bar, percent
from services.cli.optimizer_tables import (
    BAR_WIDTH,
    HYPOTHETICAL,
    by_product,
    columns,
    facts,
    heading,
    loss,
    snapshot_line,
)

_METHODS = {
    risk_pb2.TAIL_METHOD_NORMAL: "normal distribution",
    risk_pb2.TAIL_METHOD_HISTORICAL: "price history",
    risk_pb2.TAIL_METHOD_SCENARIOS: "the request's scenarios",
}


def show_risk(request: risk_pb2.AnalyzeRiskRequest, response: risk_pb2.AnalyzeRiskResponse) -> RenderableType:
    """Return the measures, the tails, the contributions by product and class, and the stresses."""
    return Group(
        _measures(response),
        *_tails(response),
        *_products(request, response),
        *_classes(response),
        *_stresses(response),
        Text(),
        Text(f"Losses are positive shares of the portfolio, after fund fees. {HYPOTHETICAL}", style="dim"),
        snapshot_line(response.market_snapshot),
    )


def _measures(response: risk_pb2.AnalyzeRiskResponse) -> RenderableType:
    analysis = response.analysis
    rows = [
        ("Expected return a year, after fund fees", percent(analysis.expected_return_net, 2)),
        ("Volatility a year", percent(analysis.volatility, 2)),
    ]
    if response.HasField("max_drawdown"):
        rows.append(("Largest fall from a peak in the price history", percent(response.max_drawdown)))
    if response.HasField("beta"):
        rows.append(("Beta to the benchmark", f"{response.beta:.2f}"))
    if response.HasField("tracking_error"):
        rows.append(("Tracking error a year", percent(response.tracking_error, 2)))
    if response.duration_coverage > 0:
        share = percent(response.duration_coverage, 0)
        rows.append((f"Duration of the {share} that carry one", f"{response.duration_years:.1f} years"))
    return facts(*rows)


def _tails(response: risk_pb2.AnalyzeRiskResponse) -> list[RenderableType]:
    table = columns("Confidence", ">Horizon", "By", ">Value at risk", ">Mean loss beyond (CVaR)", ">Outcomes")
    for tail in response.tails:
        count = f"{tail.outcome_count:,}" if tail.HasField("outcome_count") else ""
        horizon = f"{tail.horizon_years:g} " + ("year" if tail.horizon_years == 1 else "years")
        measures = (loss(tail.value_at_risk), loss(tail.conditional_value_at_risk))
        table.add_row(percent(tail.confidence), horizon, _METHODS.get(tail.method, "-"), *measures, count)
    return [Text(), heading("Loss in bad outcomes"), table]


def _products(request: risk_pb2.AnalyzeRiskRequest, response: risk_pb2.AnalyzeRiskResponse) -> list[RenderableType]:
    weights, volatility = by_product(request.weights), response.analysis.volatility or 1.0
    table = columns("Product", ">Weight", ">Of the risk", "", ">Adds to volatility", ">One point more adds")
    parts = list(zip(response.analysis.risk_contributions, response.marginal_contributions, strict=True))
    parts.sort(key=lambda part: -part[0].contribution)
    largest = max((part.contribution for part, _ in parts), default=1.0) or 1.0
    for part, marginal in parts:
        weight = weights.get(part.product_id, 0.0)
        if weight <= 0.0:
            continue
        table.add_row(
            Text(part.product_id, style="bold"),
            percent(weight),
            Text(percent(part.contribution / volatility), style="bold"),
            Text(bar(part.contribution / largest, BAR_WIDTH), style="cyan"),
            percent(part.contribution, 2),
            percent(marginal / 100, 3),
        )
    return [Text(), heading("Where the volatility comes from"), table]


def _classes(response: risk_pb2.AnalyzeRiskResponse) -> list[RenderableType]:
    if not response.class_contributions:
        return []
    volatility = response.analysis.volatility or 1.0
    table = columns("Asset class", ">Of the risk", ">Adds to volatility")
    for part in response.class_contributions:
        if not part.contribution:
            continue  # Nothing of the class is held.
        table.add_row(part.asset_class, percent(part.contribution / volatility), percent(part.contribution, 2))
    return [Text(), heading("By asset class"), table]


def _stresses(response: risk_pb2.AnalyzeRiskResponse) -> list[RenderableType]:
    if not response.stresses:
        return []
    largest = max((abs(stress.loss) for stress in response.stresses), default=1.0) or 1.0
    parts: list[RenderableType] = [Text(), heading("Stress scenarios")]
    table = columns("Scenario", ">Loss", "", "Most of it from")
    ids = [part.product_id for part in response.analysis.risk_contributions]
    ordered = sorted(response.stresses, key=lambda stress: -stress.loss)
    for stress in ordered:
        style = "yellow" if stress.loss > 0 else "green"
        marks = Text(bar(abs(stress.loss) / largest, BAR_WIDTH), style=style)
        table.add_row(Text(stress.scenario, style="bold"), loss(stress.loss), marks, _worst(stress, ids))
    parts.append(table)
    parts += [Text(f"{stress.scenario}: {stress.description}", style="dim") for stress in ordered]
    return parts


def _worst(stress: risk_pb2.StressResult, ids: list[str]) -> str:
    """Return the product that loses most in this scenario."""
    part, name = max(zip(stress.contributions, ids, strict=True), default=(0.0, ""))
    return f"{name} {percent(part)}" if part > 0 else ""
