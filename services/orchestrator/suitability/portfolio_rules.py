"""Rules on what is proposed: levels, loss, eligibility, alternatives and cost."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.alternatives import DO_NOTHING
from services.orchestrator.catalogue.rules import LOWEST_CLASS
from services.orchestrator.numbers import percent
from services.orchestrator.suitability.draft import Draft
from services.orchestrator.suitability.finding import Finding, found
from services.orchestrator.suitability.levels import is_above
from services.orchestrator.text import Text

# The rule speaks of the worst twentieth of one-year outcomes.
WORST_CONFIDENCE = 0.95
LOSS_HORIZON_YEARS = 1.0
# A hundredth of a basis point: sums in another order differ by far less.
_COST_TOLERANCE = 1e-6
# A solution's residuals are far below this.
_WEIGHT_TOLERANCE = 1e-6


def levels_within_class(draft: Draft) -> Iterator[Finding]:
    """R07, R08: neither a product nor the portfolio as a whole is riskier than the class; both must pass.

    Blocks in every country: a signed warning cannot be given yet, so no pack's override applies.
    """
    limit, client_class = draft.case.max_level, draft.case.profile.client_class
    rule = "R08" if client_class == LOWEST_CLASS else "R07"
    for line in draft.recommendation.lines:
        if is_above(line.risk_level, limit):
            message = Text(
                f"{line.name.en} is {line.risk_level}, above {limit}, the limit of {client_class}: remove it.",
                f"{line.name.zh_or_en}的风险等级 {line.risk_level} 高于 {client_class} 的上限 {limit}：请移除。",
            )
            yield found(draft.case.pack, rule, message, line.product_id)
    level = draft.recommendation.portfolio_risk_level
    if is_above(level, limit):
        message = Text(
            f"The portfolio as a whole has risk level {level}, above {limit}, the limit of {client_class}: "
            "lower its volatility.",
            f"组合整体风险等级 {level} 高于 {client_class} 的上限 {limit}：请降低波动率。",
        )
        yield found(draft.case.pack, rule, message)


def loss_within_capacity(draft: Draft) -> Iterator[Finding]:
    """R12: the bad-year loss stays within what the class may lose.

    The class follows from the lower score, and packs never let a higher class lose less: within this limit the
    loss is within the limit of the class that capacity alone would give.
    """
    cvar, limit = draft.recommendation.analysis.cvar, draft.case.limits.max_loss_share
    if cvar.confidence < WORST_CONFIDENCE or cvar.horizon_years != LOSS_HORIZON_YEARS:
        message = Text(
            "The bad year is not stated for the worst twentieth of one-year outcomes: compute it so.",
            "坏年份未按一年期最差百分之五情形计算：请重新计算。",
        )
        yield found(draft.case.pack, "R12", message)
    if cvar.loss > limit:
        message = Text(
            f"The average loss in a bad year is {percent(cvar.loss, 'en')}, above the {percent(limit, 'en')} that "
            f"class {draft.case.profile.client_class} can bear: lower the risk.",
            f"坏年份平均亏损 {percent(cvar.loss, 'zh')}，高于 {draft.case.profile.client_class} 可承受的"
            f" {percent(limit, 'zh')}：请降低风险。",
        )
        yield found(draft.case.pack, "R12", message)


def only_eligible(draft: Draft) -> Iterator[Finding]:
    """R13: each line is an eligible product, or a fund outside the catalogue that is held and does not grow."""
    eligible = set(draft.universe.eligible_product_ids)
    for line in draft.recommendation.lines:
        if not line.external and line.product_id not in eligible:
            message = Text(
                f"{line.product_id} is not among the products this client may hold: remove it.",
                f"{line.product_id} 不在该客户可持有的产品之列：请移除。",
            )
            yield found(draft.case.pack, "R13", message, line.product_id)
        elif line.external and line.weight > line.current_weight + _WEIGHT_TOLERANCE:
            message = Text(
                f"{line.name.en} is outside the catalogue and would be bought: it may only be kept or sold.",
                f"{line.name.zh_or_en}不在目录内，不得买入，只能保留或卖出。",
            )
            yield found(draft.case.pack, "R13", message, line.product_id)


def alternatives_shown(draft: Draft) -> Iterator[Finding]:
    """R14: doing nothing and at least one other way are stated, with reasons in both languages."""
    stated = {item.id for item in draft.recommendation.alternatives if item.reason.en and item.reason.zh}
    if DO_NOTHING not in stated or len(stated) < 2:
        message = Text(
            "Doing nothing and at least one other alternative must be stated with reasons: add them.",
            "须列明维持现状及至少一个其他备选并说明理由：请补充。",
        )
        yield found(draft.case.pack, "R14", message)


def costs_shown(draft: Draft) -> Iterator[Finding]:
    """R15: the cost is a fact in per cent and in money, and equals the sum of share times fee."""
    facts = draft.fact_by_id
    if "cost_share" not in facts or "cost_money" not in facts:
        message = Text(
            "The yearly cost is not stated in per cent and in money: add both.", "未同时列示费用比例和金额：请补充。"
        )
        yield found(draft.case.pack, "R15", message)
    stated = draft.recommendation.analysis.expense_ratio
    again = sum(weight.weight * _fee(draft, weight.product_id) for weight in draft.recommendation.optimal_weights)
    if abs(again - stated) > _COST_TOLERANCE:
        message = Text(
            "The stated yearly cost differs from the sum of share times fee: compute it again.",
            "所列年度费用与各项占比乘以费率之和不符：请重新计算。",
        )
        yield found(draft.case.pack, "R15", message)


def switch_worthwhile(draft: Draft) -> Iterator[Finding]:
    """R15: where a switch lowers the expected return after fees, it says so."""
    change = draft.fact_by_id.get("expected_return_net_change")
    now, new = draft.recommendation.current, draft.recommendation.analysis
    if change is None or now is None or new.expected_return_net >= now.expected_return_net:
        return
    message = Text(
        f"The switch changes the expected return after fees by {change.rendered.en} a year; "
        "its benefit must lie elsewhere, such as in risk or suitability.",
        f"调整使扣费后预期年收益变化 {change.rendered.zh}；其益处须体现在其他方面，如降低风险或符合适当性。",
    )
    yield found(draft.case.pack, "R15", message, severity="WARNING")


def conflicts_shown(draft: Draft) -> Iterator[Finding]:
    """R17: each conflict of interest recorded for a proposed product is listed."""
    for line in draft.recommendation.lines:
        product = draft.case.catalogue.products.get(line.product_id)
        for conflict in product.conflicts if product else ():
            message = Text(
                f"Conflict of interest in {line.name.en}: {conflict}. Disclose it to the client.",
                f"{line.name.zh_or_en}存在利益冲突：{conflict}。请向客户披露。",
            )
            yield found(draft.case.pack, "R17", message, line.product_id, "WARNING")


def _fee(draft: Draft, key: str) -> float:
    """Return a yearly fee; an unknown one counts as zero, and the findings on holdings say so."""
    product, position = draft.case.catalogue.products.get(key), draft.current.position(key)
    if product is not None:
        return product.expense_ratio.value if product.expense_ratio else 0.0
    return (position.expense_ratio or 0.0) if position is not None else 0.0
