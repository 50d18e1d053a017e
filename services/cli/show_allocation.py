"""What is proposed: shares with bars, trades, cost, a bad year, and the proof of the optimum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fiducia.advisor.v1 import client_pb2, proposal_pb2
from fiducia.optimizer.v1 import portfolio_pb2
from google.type.money_pb2 import Money
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.format import amount, bar, local, money, percent, risk_level, shares
from services.cli.limits import limit_in_words

_BAR_WIDTH = 16
_SHOWN_LIMITS = 4


def show_recommendation(
    recommendation: proposal_pb2.Recommendation, situation: client_pb2.ClientSituation
) -> RenderableType:
    """Return everything about the portfolio that is proposed for this client."""
    names = external_names(situation)
    return Group(
        show_lines(recommendation, situation, names),
        Text(),
        show_trades(recommendation, names),
        Text(),
        show_expectations(recommendation),
        Text(),
        show_certificate(recommendation.certificate, recommendation.binding_limits),
    )


def external_names(situation: client_pb2.ClientSituation) -> dict[str, str]:
    """Return the client's own names of funds outside the catalogue, by the keys that stand for them: EXT1, EXT2, ..."""
    names = [holding.external.name for holding in situation.holdings if holding.HasField("external")]
    return {f"EXT{number}": name for number, name in enumerate(names, start=1)}


def show_lines(
    recommendation: proposal_pb2.Recommendation, situation: client_pb2.ClientSituation, names: Mapping[str, str]
) -> RenderableType:
    """Return the table of shares, the largest first, and last what is sold entirely and the cash of today."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("Product", no_wrap=True, overflow="ellipsis", max_width=10)
    table.add_column("Fund and asset class", ratio=1, overflow="fold")
    table.add_column("Risk", no_wrap=True)
    table.add_column("Today", justify="right", no_wrap=True)
    table.add_column("Proposed", justify="right", no_wrap=True)
    table.add_column("", width=_BAR_WIDTH, no_wrap=True)
    table.add_column("Worth", justify="right", no_wrap=True)
    largest = max((line.weight for line in recommendation.lines), default=1.0) or 1.0
    for line, share in zip(recommendation.lines, shares([line.weight for line in recommendation.lines]), strict=True):
        table.add_row(*_cells(line, share, largest, situation.language))
    for trade in _sold_entirely(recommendation):
        name = f"{names.get(trade.product_id, '')} (sold entirely)".strip()
        table.add_row(*_gone(trade.product_id, name, trade.amount, recommendation.total_value), style="dim")
    if amount(situation.cash) > 0:
        table.add_row(*_gone("cash", "(invested)", situation.cash, recommendation.total_value), style="dim")
    return table


def _cells(line: proposal_pb2.AllocationLine, share: str, largest: float, language: str) -> tuple[RenderableType, ...]:
    fund = Text(local(line.name, language) + (" *" if line.external else ""))
    fund.append(f"\n{local(line.asset_class_name, language) or line.asset_class}", style="dim")
    return (
        Text(line.product_id, style="bold"),
        fund,
        risk_level(line.risk_level),
        percent(line.current_weight),
        Text(share, style="bold"),
        Text(bar(line.weight / largest, _BAR_WIDTH), style="cyan"),
        money(line.value),
    )


def _sold_entirely(recommendation: proposal_pb2.Recommendation) -> list[proposal_pb2.Trade]:
    kept = {line.product_id for line in recommendation.lines}
    return [trade for trade in recommendation.trades if trade.product_id not in kept]


def _gone(key: str, name: str, worth: Money, total: Money) -> tuple[RenderableType, ...]:
    """Return the row of something that is held today and not proposed."""
    today = float(amount(worth) / amount(total)) if amount(total) else 0.0
    return (key, name, "", percent(today), percent(0.0), "", "")


def show_trades(recommendation: proposal_pb2.Recommendation, names: Mapping[str, str]) -> RenderableType:
    """Return the purchases and sales in money, with units where a price is known."""
    if not recommendation.trades:
        return Text("Trades: none; the portfolio already stands as proposed.")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    for trade in recommendation.trades:
        side, style = ("buy", "green") if trade.side == proposal_pb2.TRADE_SIDE_BUY else ("sell", "yellow")
        units = f"{trade.units.value} units" if trade.units.value else ""
        name = names.get(trade.product_id, trade.product_id)
        table.add_row(Text(side, style=style), name, money(trade.amount), units)
    return Group(Text("Trades, from what is held today:", style="bold"), table, *_external_note(recommendation, names))


def _external_note(recommendation: proposal_pb2.Recommendation, names: Mapping[str, str]) -> list[Text]:
    if not names and not any(line.external for line in recommendation.lines):
        return []
    return [Text("A fund outside the catalogue (*) is kept or sold, never bought.", style="dim")]


def show_expectations(recommendation: proposal_pb2.Recommendation) -> RenderableType:
    """Return worth, cost, expected return, volatility and a bad year, beside those of today."""
    analysis = recommendation.analysis
    today = recommendation.current if recommendation.HasField("current") else None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("Proposed", justify="right", no_wrap=True)
    table.add_column("In money", justify="right", no_wrap=True)
    table.add_column("Today" if today else "", justify="right", no_wrap=True)
    cost, loss = money(recommendation.yearly_cost, 2), _loss_in_money(recommendation.bad_year_loss)
    table.add_row("Worth", "", money(recommendation.total_value), "")
    table.add_row(
        "Fund fees a year", percent(analysis.expense_ratio, 2), cost, percent(today.expense_ratio, 2) if today else ""
    )
    table.add_row("Expected return a year, after fees", percent(analysis.expected_return_net), "", _net(today))
    table.add_row("Volatility a year", percent(analysis.volatility), "", percent(today.volatility) if today else "")
    table.add_row("A bad year: mean loss", _loss(analysis), loss, _loss(today))
    level = risk_level(recommendation.portfolio_risk_level)
    return Group(table, Text(_meaning(analysis.cvar, level), style="dim"))


def _loss(analysis: portfolio_pb2.RiskAnalysis | None) -> str:
    """Return a loss as a share; a portfolio of cash gains even in its bad years."""
    if analysis is None:
        return ""
    loss = analysis.cvar.loss
    return percent(loss) if loss >= 0 else f"gain of {percent(-loss)}"


def _loss_in_money(loss: Money) -> str:
    if amount(loss) >= 0:
        return money(loss)
    return f"gain of {money(Money(currency_code=loss.currency_code, units=-loss.units, nanos=-loss.nanos))}"


def _net(analysis: portfolio_pb2.RiskAnalysis | None) -> str:
    return percent(analysis.expected_return_net) if analysis else ""


def _meaning(cvar: portfolio_pb2.ConditionalValueAtRisk, level: str) -> str:
    shape = "a normal distribution" if cvar.distribution == portfolio_pb2.RETURN_DISTRIBUTION_NORMAL else "no shape"
    years = "one year" if cvar.horizon_years == 1 else f"{cvar.horizon_years:g} years"
    return (
        f"A bad year is the mean of the worst {percent(1 - cvar.confidence, 0)} of outcomes over {years}, after fees, "
        f"under {shape}. The portfolio as a whole is {level}. Expected values are hypothetical: nominal, from "
        "assumptions, not a forecast and no promise."
    )


def show_certificate(
    certificate: portfolio_pb2.Certificate, limits: Sequence[portfolio_pb2.BindingLimit]
) -> RenderableType:
    """Return the optimum's own residuals, and the limits that hold it back."""
    residuals = (
        f"largest violation of a limit {certificate.primal_residual:.1e}, of stationarity "
        f"{certificate.dual_residual:.1e}, of complementarity {certificate.complementarity_residual:.1e}; "
        f"above {certificate.tolerance:.0e} it is refused."
    )
    solver = f"{certificate.solver} {certificate.solver_version}"
    lines = [Text.assemble(("Optimum: ", "bold"), f"{solver}, checked by its own KKT residuals and not by ")]
    lines[0].append(f"the solver's word: {residuals}")
    if limits:
        held = ", ".join(limit_in_words(limit) for limit in limits[:_SHOWN_LIMITS])
        lines.append(Text(f"Held back by: {held}.", style="dim"))
    return Group(*lines)
