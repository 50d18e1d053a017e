"""Other ways than the proposal, each with a reason that compares their own numbers."""

from __future__ import annotations

from dataclasses import dataclass

from services.orchestrator.allocation import SMALLEST_WEIGHT
from services.orchestrator.case import Case
from services.orchestrator.catalogue.risk_level import band_level
from services.orchestrator.facts.fact import Quantity
from services.orchestrator.holdings import CurrentPortfolio, must_be_sold
from services.orchestrator.numbers import percent, quantity_text
from services.orchestrator.portfolio import ConditionalValueAtRisk, OptimalPortfolio, RiskAnalysis, Weight
from services.orchestrator.suitability.levels import is_above
from services.orchestrator.text import Text

DO_NOTHING = "do_nothing"
MINIMUM_RISK = "minimum_risk"
# The class whose assumed return uninvested cash is taken to earn.
CASH_CLASS = {"USD": "us_cash", "CNY": "cn_cash"}


@dataclass(frozen=True)
class Alternative:
    """Another way, what to expect of it, and why it was not chosen."""

    id: str
    name: Text
    weights: tuple[Weight, ...]
    analysis: RiskAnalysis
    reason: Text


def alternatives(
    case: Case, current: CurrentPortfolio, optimal: OptimalPortfolio, minimum_risk: OptimalPortfolio
) -> tuple[Alternative, ...]:
    """Return doing nothing and the least volatile portfolio under the same limits."""
    return _do_nothing(case, current, optimal), _minimum_risk(optimal.analysis, minimum_risk)


def idle_cash(case: Case, like: RiskAnalysis) -> RiskAnalysis:
    """Return what to expect of cash that stays uninvested, as the optimizer counts it.

    A deposit in the base currency: it earns the assumed return of that currency's cash, does not swing, costs nothing.
    """
    earned = case.catalogue.assumptions.classes[CASH_CLASS[case.currency]].expected_return
    cvar = ConditionalValueAtRisk(-earned, like.cvar.confidence, like.cvar.horizon_years, like.cvar.distribution)
    return RiskAnalysis(earned, earned, 0.0, cvar, (), 0.0)


def _do_nothing(case: Case, current: CurrentPortfolio, optimal: OptimalPortfolio) -> Alternative:
    weights = tuple(Weight(position.key, position.weight) for position in current.positions)
    if not current.positions:
        analysis = idle_cash(case, optimal.analysis)
        name = Text("Do nothing: leave the money in cash", "维持现状：资金继续以现金持有")
    else:
        analysis = optimal.current or idle_cash(case, optimal.analysis)
        name = Text("Do nothing: keep today's holdings and cash", "维持现状：保留当前持仓和现金")
    return Alternative(DO_NOTHING, name, weights, analysis, _against_nothing(case, current, analysis, optimal.analysis))


def _against_nothing(case: Case, current: CurrentPortfolio, nothing: RiskAnalysis, chosen: RiskAnalysis) -> Text:
    """Return the strongest true reason: what the rules forbid, then more return, then less risk, then the limits."""
    unsuitable = [p for p in current.positions if is_above(p.risk_level, case.max_level)]
    if unsuitable:
        limit = case.max_level
        return Text(
            f"It keeps {_list_en([p.name.en for p in unsuitable])} above {limit}, the limit of this client's class.",
            f"它保留了高于客户等级上限 {limit} 的{'、'.join(p.name.zh_or_en for p in unsuitable)}。",
        )
    if is_above(band_level(nothing.volatility, case.catalogue.level_rule), case.max_level):
        return Text(
            f"As a whole it swings more ({percent(nothing.volatility, 'en')} a year) than this client's class allows.",
            f"其整体波动率（每年 {percent(nothing.volatility, 'zh')}）超出客户等级的允许范围。",
        )
    if any(must_be_sold(case, position) for position in current.positions):
        return Text(
            "It keeps a holding that may not be kept; see the findings.", "它保留了不可继续持有的产品，详见检查结果。"
        )
    comparison = _comparison(nothing, chosen)
    if not current.positions:
        return Text(
            f"{comparison.en} That holds only if the account pays the money-market rate.",
            f"{comparison.zh}前提是账户按货币市场利率计息。",
        )
    if any(position.weight > case.limits.max_product_weight for position in current.positions):
        return Text(
            f"It holds more of one product than this client's class allows. {comparison.en}",
            f"其单一产品占比超出客户等级的上限。{comparison.zh}",
        )
    return comparison


def _minimum_risk(chosen: RiskAnalysis, minimum: OptimalPortfolio) -> Alternative:
    name = Text("The least volatile portfolio under the same limits", "同样限制下波动最小的组合")
    weights = tuple(weight for weight in minimum.weights if weight.weight >= SMALLEST_WEIGHT)
    return Alternative(MINIMUM_RISK, name, weights, minimum.analysis, _comparison(minimum.analysis, chosen))


def _comparison(other: RiskAnalysis, chosen: RiskAnalysis) -> Text:
    """Return how the other way differs, in expected return after fees and in volatility.

    Compared as shown, with one decimal: what reads the same is called the same.
    """
    returns = _returns(other.expected_return_net, chosen.expected_return_net)
    swings = _swings(other.volatility, chosen.volatility)
    return Text(f"{returns.en}, {swings.en}.", f"{returns.zh}，{swings.zh}。")


def _returns(other: float, chosen: float) -> Text:
    a, b = quantity_text(Quantity(other, "PERCENT")), quantity_text(Quantity(chosen, "PERCENT"))
    if a == b:
        return Text(
            f"It has about the same expected return after fees ({a.en} a year)",
            f"其扣费后预期收益大致相同（每年 {a.zh}）",
        )
    en, zh = ("a lower", "低") if other < chosen else ("a higher", "高")
    return Text(
        f"It has {en} expected return after fees ({a.en} against {b.en} a year)",
        f"其扣费后预期收益较{zh}（每年 {a.zh}，方案为 {b.zh}）",
    )


def _swings(other: float, chosen: float) -> Text:
    a, b = quantity_text(Quantity(other, "PERCENT")), quantity_text(Quantity(chosen, "PERCENT"))
    if a == b:
        return Text(f"with about the same swings ({a.en})", f"波动大致相同（{a.zh}）")
    en, zh = ("larger", "大") if other > chosen else ("smaller", "小")
    return Text(f"with {en} swings ({a.en} against {b.en})", f"波动较{zh}（{a.zh}，方案为 {b.zh}）")


def _list_en(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
