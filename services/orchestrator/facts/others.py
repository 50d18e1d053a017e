"""Facts on what the proposal is compared with: today's portfolio and the alternatives."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.alternatives import Alternative
from services.orchestrator.facts.assumptions import weight_roots
from services.orchestrator.facts.fact import Fact, Subject, fact_key
from services.orchestrator.facts.make import FEE_DECIMALS, About, Roots, derived
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.portfolio import RiskAnalysis
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.text import Text

CURRENT = Subject("CURRENT_PORTFOLIO")


def current_facts(
    roots: Roots, current: CurrentPortfolio, recommendation: Recommendation, known: dict[str, Fact]
) -> Iterator[Fact]:
    """Yield what to expect of today's portfolio and the difference to the proposal; nothing when nothing is held."""
    now, as_of = recommendation.current, roots.case.catalogue.assumptions.as_of
    if now is None:
        return
    assumed = dict.fromkeys(id_ for p in current.positions for id_ in weight_roots(roots, current, p.key))
    source = roots.solver("total_value", "cash_today", *assumed, "assumptions_date")
    label = Text("yearly volatility of today's portfolio", "当前组合的年化波动率")
    yield About("current_volatility", CURRENT, label, "HYPOTHETICAL", source, as_of).percent(now.volatility)
    label = Text("expected yearly return of today's portfolio after fees", "当前组合扣费后预期年化收益")
    about = About("current_expected_return_net", CURRENT, label, "HYPOTHETICAL", source, as_of, True)
    yield about.percent(now.expected_return_net)
    label = Text("yearly cost of today's portfolio", "当前组合的每年费用比例")
    ids = [f"fee.{fact_key(position.key)}" for position in current.positions]
    fees = [known[id_] for id_ in ids if id_ in known]
    about = About("current_cost_share", CURRENT, label, "STATED", derived("sum of share x fee", fees))
    yield about.percent(now.expense_ratio, FEE_DECIMALS)
    label = Text("average loss of today's portfolio in a bad year", "当前组合坏年份的平均亏损金额")
    about = About("current_bad_year_loss", CURRENT, label, "HYPOTHETICAL", source, as_of, True)
    yield about.money(recommendation.total_value.share(now.cvar.loss))


def change_facts(roots: Roots, recommendation: Recommendation, known: dict[str, Fact]) -> Iterator[Fact]:
    """Yield how the proposal differs from today's portfolio, in percentage points."""
    now, new, as_of = recommendation.current, recommendation.analysis, roots.case.catalogue.assumptions.as_of
    if now is None:
        return
    portfolio = Subject("PORTFOLIO")
    source = derived("proposal less today", [known["volatility"], known["current_volatility"]])
    label = Text("change of the volatility", "波动率变化")
    about = About("volatility_change", portfolio, label, "HYPOTHETICAL", source, as_of)
    yield about.quantity(new.volatility - now.volatility, "PERCENT_POINT")
    source = derived("proposal less today", [known["expected_return_net"], known["current_expected_return_net"]])
    label = Text("change of the expected return after fees", "扣费后预期收益变化")
    about = About("expected_return_net_change", portfolio, label, "HYPOTHETICAL", source, as_of, True)
    yield about.quantity(new.expected_return_net - now.expected_return_net, "PERCENT_POINT")


def alternative_facts(roots: Roots, recommendation: Recommendation) -> Iterator[Fact]:
    """Yield what to expect of each alternative."""
    for alternative in recommendation.alternatives:
        yield from _alternative(roots, recommendation, alternative, alternative.analysis)


def _alternative(
    roots: Roots, recommendation: Recommendation, alternative: Alternative, analysis: RiskAnalysis
) -> Iterator[Fact]:
    subject, name = Subject("ALTERNATIVE", alternative.id), alternative.name
    source, as_of = roots.solver("total_value", "assumptions_date"), roots.case.catalogue.assumptions.as_of
    prefix = f"alternative.{alternative.id}"
    label = Text(f"yearly volatility ({name.en})", f"年化波动率（{name.zh}）")
    yield About(f"{prefix}.volatility", subject, label, "HYPOTHETICAL", source, as_of).percent(analysis.volatility)
    label = Text(f"expected yearly return after fees ({name.en})", f"扣费后预期年化收益（{name.zh}）")
    about = About(f"{prefix}.expected_return_net", subject, label, "HYPOTHETICAL", source, as_of, True)
    yield about.percent(analysis.expected_return_net)
    label = Text(f"average loss in a bad year ({name.en})", f"坏年份的平均亏损金额（{name.zh}）")
    about = About(f"{prefix}.bad_year_loss", subject, label, "HYPOTHETICAL", source, as_of, True)
    yield about.money(recommendation.total_value.share(analysis.cvar.loss))
