"""Facts on the proposed portfolio as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from services.orchestrator.allocation import AllocationLine
from services.orchestrator.facts.fact import Fact, FactSource, Subject, fact_key
from services.orchestrator.facts.make import FEE_DECIMALS, About, Roots, derived, rendered_as
from services.orchestrator.facts.products import STEPS, shown_tenths
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.numbers import percent
from services.orchestrator.recommendation import Recommendation
from services.orchestrator.text import Text
from services.orchestrator.trades import turnover

PORTFOLIO = Subject("PORTFOLIO")
_OUTCOMES = {"LOSS": Text("loss", "亏损"), "GAIN": Text("gain", "收益")}


def expectation_facts(roots: Roots, recommendation: Recommendation, weights: list[Fact]) -> Iterator[Fact]:
    """Yield expected return, volatility and a bad year as shares; all of it hypothetical."""
    analysis, as_of = recommendation.analysis, _as_of(roots)
    source = roots.solver(*(fact.id for fact in weights), "assumptions_date")
    label = Text("expected yearly return after fees", "扣费后预期年化收益")
    yield _hypothetical("expected_return_net", label, source, as_of, True).percent(analysis.expected_return_net)
    label = Text("yearly volatility", "年化波动率")
    yield _hypothetical("volatility", label, source, as_of).percent(analysis.volatility)
    label = Text("confidence of the bad year", "坏年份的置信水平")
    yield _hypothetical("cvar_confidence", label, roots.solver(), as_of).percent(analysis.cvar.confidence, 0)
    label = Text("average loss in a bad year, as a share", "坏年份的平均亏损比例")
    source = roots.solver("expected_return_net", "volatility", "cvar_confidence")
    yield _hypothetical("bad_year_loss_share", label, source, as_of, True).percent(analysis.cvar.loss)


def consequence_facts(roots: Roots, recommendation: Recommendation, known: dict[str, Fact]) -> Iterator[Fact]:
    """Yield what follows from the shares: a bad year in money, the outcome's name and the risk level."""
    as_of, loss = _as_of(roots), recommendation.bad_year_loss
    source = derived("share x total", [known["bad_year_loss_share"], known["total_value"]])
    label = Text("average loss in a bad year", "坏年份的平均亏损金额")
    yield _hypothetical("bad_year_loss", label, source, as_of, True).money(loss)
    outcome = "LOSS" if recommendation.analysis.cvar.loss > 0 else "GAIN"
    label = Text("outcome of a bad year", "坏年份的结果")
    yield _hypothetical("bad_year_outcome", label, source, as_of, True).words(outcome, _OUTCOMES[outcome])
    rule = roots.case.catalogue.level_rule
    graded = FactSource("RULE", rule.id, roots.case.catalogue.digest, rule.verified, ("volatility",))
    label, level = (
        Text("risk level of the portfolio as a whole", "组合整体风险等级"),
        recommendation.portfolio_risk_level,
    )
    yield _hypothetical("portfolio_risk_level", label, graded, as_of).words(level, Text(level, level))


def cost_facts(recommendation: Recommendation, known: dict[str, Fact]) -> Iterator[Fact]:
    """Yield the fund fees of one year as a share and in money."""
    keys = [fact_key(line.product_id) for line in recommendation.lines]
    ids = [f"{part}.{key}" for key in keys for part in ("weight", "fee")]
    fees = [known[id_] for id_ in ids if id_ in known]
    label = Text("yearly cost as a share", "每年费用比例")
    source = derived("sum of share x fee", fees)
    share = About("cost_share", PORTFOLIO, label, "STATED", source).percent(
        recommendation.analysis.expense_ratio, FEE_DECIMALS
    )
    yield share
    label = Text("yearly cost", "每年费用金额")
    source = derived("share x total", [share, known["total_value"]])
    yield About("cost_money", PORTFOLIO, label, "STATED", source).money(recommendation.yearly_cost)


def shape_facts(recommendation: Recommendation, current: CurrentPortfolio, weights: list[Fact]) -> Iterator[Fact]:
    """Yield the shares of asset classes, the number of products, the turnover and the rounding."""
    yield from _class_facts(recommendation, weights)
    source = derived("count of lines", weights)
    label = Text("number of products", "产品数量")
    yield About("product_count", PORTFOLIO, label, "ACTUAL", source).quantity(len(recommendation.lines), "COUNT")
    label = Text("turnover, the share that is bought", "换手比例（买入部分的占比）")
    source = derived("sum of increases of shares", weights)
    yield About("turnover", PORTFOLIO, label, "ACTUAL", source).percent(turnover(current, recommendation.lines))
    label = Text("distance of the lines from the optimum", "各项占比与最优解的差距")
    source = derived("half sum of absolute differences to the optimum", weights)
    about = About("rounding_gap", PORTFOLIO, label, "ACTUAL", source)
    yield about.percent(recommendation.rounding_gap, FEE_DECIMALS)


def _class_facts(recommendation: Recommendation, weights: list[Fact]) -> Iterator[Fact]:
    """Yield the share of each main asset class, shown as the sum of what its lines show."""
    shown = shown_tenths(recommendation.lines)
    by_class: dict[str, list[tuple[AllocationLine, Fact]]] = {}
    for line, fact in zip(recommendation.lines, weights, strict=True):
        by_class.setdefault(line.asset_class, []).append((line, fact))
    for key, members in by_class.items():
        name = members[0][0].asset_class_name
        label = Text(f"share of {name.en}", f"{name.zh_or_en}的占比")
        source = derived("sum of shares", [fact for _, fact in members])
        about = About(f"class_weight.{key}", Subject("ASSET_CLASS", key), label, "ACTUAL", source)
        fact = about.percent(sum(line.weight for line, _ in members))
        tenths = sum(shown[line.product_id] for line, _ in members) / STEPS
        yield rendered_as(fact, Text(percent(tenths, "en"), percent(tenths, "zh")))


def _hypothetical(id_: str, label: Text, source: FactSource, as_of: date, net_of_fees: bool | None = None) -> About:
    return About(id_, PORTFOLIO, label, "HYPOTHETICAL", source, as_of, net_of_fees)


def _as_of(roots: Roots) -> date:
    return roots.case.catalogue.assumptions.as_of
