"""The facts of the example briefs, rendered as the orchestrator renders them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from fiducia.type.v1 import fact_pb2, text_pb2
from google.type import date_pb2, money_pb2

KB = Path(__file__).parents[3] / "kb"
ASSUMED_ON = date(2026, 11, 1)
_CLASS_NAMES = {"C2": ("Cautious", "谨慎型"), "C3": ("Balanced", "平衡型"), "C5": ("Aggressive", "进取型")}


@dataclass(frozen=True)
class Line:
    """A product of a portfolio: share, part of the volatility, and whether it is held today."""

    product_id: str
    weight: float
    risk_share: float
    held_today: bool = False


@dataclass(frozen=True)
class Case:
    """A client with a portfolio, as far as a text speaks of them."""

    language: str
    goal: str
    client_class: str
    capacity: float
    tolerance: float
    years: float
    total: int
    expected: float
    volatility: float
    bad_year: float
    cost: float
    lines: tuple[Line, ...]
    guides: tuple[str, ...]
    currency: str = "USD"
    current_volatility: float | None = None
    sold: tuple[str, ...] = ()

    @property
    def loss(self) -> int:
        """The loss of a bad year in money."""
        return round(self.total * self.bad_year)


def entry_of(product_id: str) -> dict[str, Any]:
    """Return a product of the knowledge base."""
    path = next((KB / "products").glob(f"*/{product_id}.yaml"))
    entry: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return entry


def facts_of(case: Case) -> Iterator[fact_pb2.Fact]:
    """Yield every fact that the orchestrator makes for such a case."""
    yield from _client_facts(case)
    yield from _portfolio_facts(case)
    yield from _comparison_facts(case)
    for line in case.lines:
        yield from _line_facts(case, line)
    for id_ in case.sold:
        yield _money(f"trade.{id_.lower()}", "amount to sell", "卖出金额", round(case.total * 0.3), case, id_)
        yield _words(f"trade_side.{id_.lower()}", "direction", "方向", "SELL", ("sell", "卖出"), id_)


def _client_facts(case: Case) -> Iterator[fact_pb2.Fact]:
    name = _CLASS_NAMES[case.client_class]
    rendered = (f"{case.client_class} ({name[0]})", f"{case.client_class}（{name[1]}）")
    yield _words("client_class", "client class", "客户风险等级", case.client_class, rendered)
    yield _quantity("capacity_score", "capacity for loss", "风险承受能力得分", case.capacity, "SCORE")
    yield _quantity("tolerance_score", "tolerance for risk", "风险承受意愿得分", case.tolerance, "SCORE")
    yield _quantity("horizon_years", "years until the money is needed", "距用款年限", case.years, "YEARS")
    yield _money("total_value", "worth of holdings and cash", "持仓与现金总值", case.total, case)
    yield _quantity("universe_count", "products in the catalogue", "目录产品数量", 63, "COUNT")
    yield _quantity("eligible_count", "products this client may hold", "该客户可持有的产品数量", 38, "COUNT")
    day = date_pb2.Date(year=ASSUMED_ON.year, month=ASSUMED_ON.month, day=ASSUMED_ON.day)
    rendered_day = text_pb2.LocalText(en="November 1, 2026", zh="2026年11月1日")
    yield fact_pb2.Fact(
        **_base("assumptions_date", "day of the assumptions", "假设日期"), date=day, rendered=rendered_day
    )


def _portfolio_facts(case: Case) -> Iterator[fact_pb2.Fact]:
    level = f"R{case.client_class[1]}"
    yield _words("portfolio_risk_level", "risk level of the portfolio", "组合整体风险等级", level, (level, level))
    yield _quantity("product_count", "number of products", "产品数量", len(case.lines), "COUNT")
    yield _quantity("expected_return_net", "expected yearly return after fees", "扣费后预期年化收益", case.expected)
    yield _quantity("volatility", "yearly volatility", "年化波动率", case.volatility)
    yield _quantity("cvar_confidence", "confidence of the bad year", "坏年份的置信水平", 0.95, decimals=0)
    yield _quantity("bad_year_loss_share", "loss in a bad year, as a share", "坏年份的平均亏损比例", case.bad_year)
    yield _money("bad_year_loss", "average loss in a bad year", "坏年份的平均亏损金额", case.loss, case)
    yield _quantity("cost_share", "yearly cost as a share", "每年费用比例", case.cost, decimals=2)
    yield _money("cost_money", "yearly cost", "每年费用金额", round(case.total * case.cost), case)
    yield _quantity("turnover", "turnover", "换手比例", 0.44)
    by_class: dict[str, float] = {}
    for line in case.lines:
        name = entry_of(line.product_id)["asset_class"]
        by_class[name] = by_class.get(name, 0.0) + line.weight
    for name, weight in by_class.items():
        yield _quantity(f"class_weight.{name}", "share of the asset class", "资产类别的占比", weight)


def _comparison_facts(case: Case) -> Iterator[fact_pb2.Fact]:
    least, nothing = "alternative.minimum_risk", "alternative.do_nothing"
    yield _quantity(f"{least}.volatility", "volatility of the calmest mix", "最平稳组合的波动率", case.volatility * 0.6)
    yield _quantity(f"{least}.expected_return_net", "return of the calmest mix", "其预期收益", case.expected * 0.8)
    yield _money(f"{least}.bad_year_loss", "bad year of the calmest mix", "其坏年份亏损", round(case.loss * 0.6), case)
    yield _quantity(f"{nothing}.volatility", "volatility when doing nothing", "维持现状的波动率", 0.0)
    yield _quantity(f"{nothing}.expected_return_net", "return when doing nothing", "维持现状的收益", 0.02)
    if case.current_volatility is None:
        return
    yield _quantity(
        "current_volatility", "volatility of today's portfolio", "当前组合的波动率", case.current_volatility
    )
    yield _quantity("current_expected_return_net", "return of today's portfolio", "当前组合的收益", 0.061)
    yield _quantity("current_cost_share", "cost of today's portfolio", "当前组合的费用比例", 0.0014, decimals=2)
    loss = round(case.total * case.current_volatility * 1.5)
    yield _money("current_bad_year_loss", "bad year of today's portfolio", "当前组合坏年份的亏损", loss, case)


def _line_facts(case: Case, line: Line) -> Iterator[fact_pb2.Fact]:
    key, id_ = line.product_id.lower(), line.product_id
    yield _quantity(f"weight.{key}", "share in the portfolio", "组合中的占比", line.weight, about=id_)
    yield _money(f"value.{key}", "worth in the proposal", "方案中的金额", round(case.total * line.weight), case, id_)
    yield _quantity(f"risk_share.{key}", "part in the volatility", "对波动的贡献", line.risk_share, about=id_)
    fee = entry_of(id_).get("expense_ratio")
    if fee:
        yield _quantity(f"fee.{key}", "yearly fees of the fund", "基金年费率", fee["value"], decimals=2, about=id_)
    if not line.held_today:
        yield _money(f"trade.{key}", "amount to buy", "买入金额", round(case.total * line.weight), case, id_)
        yield _words(f"trade_side.{key}", "direction", "方向", "BUY", ("buy", "买入"), id_)


def _quantity(
    id_: str, en: str, zh: str, value: float, unit: str = "PERCENT", decimals: int = 1, about: str = ""
) -> fact_pb2.Fact:
    shown = {"PERCENT": f"{value:.{decimals}%}", "YEARS": f"{value:g}"}.get(unit, f"{value:g}")
    words = (f"{shown} years", f"{shown}年") if unit == "YEARS" else (shown, shown)
    quantity = fact_pb2.Quantity(value=value, unit=fact_pb2.Unit.Value(f"UNIT_{unit}"))
    rendered = text_pb2.LocalText(en=words[0], zh=words[1])
    return fact_pb2.Fact(**_base(id_, en, zh, about), quantity=quantity, rendered=rendered)


def _money(id_: str, en: str, zh: str, units: int, case: Case, about: str = "") -> fact_pb2.Fact:
    sign = {"USD": "US$", "CNY": "¥"}[case.currency]
    rendered = text_pb2.LocalText(en=f"{sign}{units:,}", zh=f"{sign}{units:,}")
    money = money_pb2.Money(currency_code=case.currency, units=units)
    return fact_pb2.Fact(**_base(id_, en, zh, about), money=money, rendered=rendered)


def _words(id_: str, en: str, zh: str, value: str, rendered: tuple[str, str], about: str = "") -> fact_pb2.Fact:
    words = text_pb2.LocalText(en=rendered[0], zh=rendered[1])
    return fact_pb2.Fact(**_base(id_, en, zh, about), text=value, rendered=words)


def _base(id_: str, en: str, zh: str, about: str = "") -> dict[str, Any]:
    kind = fact_pb2.SUBJECT_KIND_PRODUCT if about else fact_pb2.SUBJECT_KIND_PORTFOLIO
    return {
        "id": id_,
        "subject": fact_pb2.Subject(kind=kind, id=about),
        "label": text_pb2.LocalText(en=en, zh=zh),
        "basis": fact_pb2.BASIS_HYPOTHETICAL,
        "source": fact_pb2.FactSource(kind=fact_pb2.SOURCE_KIND_SOLVER, reference="test"),
    }
