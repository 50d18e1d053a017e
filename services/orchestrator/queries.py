"""The searches for a proposal's sources: guides on the client's situation, factsheets and guides on the products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.orchestrator.case import Case
from services.orchestrator.catalogue.schema import Product, RiskLevelName
from services.orchestrator.situation import GoalKind
from services.orchestrator.text import Text
from shared.assumptions import AssetGroup

GUIDE = "GUIDE"
FACTSHEET = "FACTSHEET"
# Each subject needs a passage or two; a brief that a small model can read holds about twenty.
_GUIDES_PER_SUBJECT = 1
_FACTSHEETS_PER_PRODUCT = 2
# The subjects are our own, and the filter names what may answer: the nearest passage is the right one.
_NEAREST = 0.0

_CLIENT_SUBJECTS = (
    Text("client class {c} and risk levels, what it means", "投资者分类 {c} 的含义与匹配原则"),
    Text("capacity for loss and tolerance for risk, the lower one binds", "风险承受能力与风险承受意愿，以较低者为准"),
    Text("investment horizon and how much risk it allows", "投资期限与可承担的风险"),
    Text("diversification across asset classes", "分散投资 资产类别"),
    Text("fees and costs of funds and their effect on returns", "费用对长期回报的影响"),
    Text("rebalancing a portfolio back to its target weights", "再平衡 回到既定比例"),
    Text("what a bad year looks like, volatility and CVaR", "坏年份 波动率与条件风险价值"),
    Text("how Fiducia makes a proposal and the limits of its method", "本服务如何形成建议及其局限"),
)
_GOAL_SUBJECTS: dict[GoalKind, Text] = {
    "RETIREMENT": Text("withdrawing money from a portfolio in retirement", "养老支取 退休后如何使用投资资产"),
    "HOME": Text("money needed at a fixed date, short horizon", "短期内需要使用的资金 投资期限"),
    "EDUCATION": Text("investing for a fixed date, horizon and regular saving", "定投 分批投入 投资期限"),
    "GROWTH": Text("shares and long-term growth, past performance and forecasts", "历史业绩与预测 长期增长"),
    "PRESERVATION": Text("inflation, real returns and keeping value", "通货膨胀 实际购买力 保值"),
    "INCOME": Text("income, dividends and withdrawals", "股息 收益 支取"),
}
_GROUP_SUBJECTS: dict[AssetGroup, Text] = {
    "CASH": Text("money market funds and their risks", "货币市场基金 流动性管理"),
    "BOND": Text("duration and interest-rate risk of bonds", "久期 债券基金 利率敏感"),
    "EQUITY": Text("risks of shares, concentration and market falls", "股票 指数基金 集中度 风险"),
    "REAL_ASSET": Text("real assets in a portfolio", "实物资产 组合中的作用"),
}
_CLASS_SUBJECTS: dict[str, Text] = {
    "us_corporate_bond": Text("credit risk of corporate bonds", "债券信用风险 违约 利差"),
    "us_high_yield": Text("credit risk of high-yield bonds, default", "高收益债 信用风险 违约"),
    "em_bond_usd": Text("credit risk of emerging-market bonds", "新兴市场债券 信用风险"),
    "cn_credit_bond": Text("credit risk of bonds", "债券信用风险 违约 利差与流动性"),
    "us_inflation_linked": Text("inflation-linked bonds and inflation", "通货膨胀 通胀挂钩债券"),
    "em_equity": Text("emerging-market shares", "新兴市场股票 汇率风险"),
    "hk_equity": Text("Hong Kong shares and QDII funds", "港股与 QDII 境外投资"),
    "dev_exus_equity": Text("currency risk of foreign shares", "汇率风险 境外资产"),
    "cn_dividend_equity": Text("dividend strategy", "红利策略 股息"),
    "us_reit": Text("listed real estate and REITs", "不动产与 REITs"),
    "gold": Text("gold in a portfolio", "黄金 在组合中的作用与局限"),
    "commodities": Text("commodity funds, futures and roll yield", "商品 期货型基金"),
}


@dataclass(frozen=True)
class PassageFilter:
    """Which passages may be returned; empty does not restrict, several lists must all match."""

    asset_classes: tuple[str, ...] = ()
    risk_levels: tuple[RiskLevelName, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    product_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchQuery:
    """One search: the question, how many passages are wanted and which may be returned.

    min_relevance: passages of lower relevance are left out, 0 to 1; None: what the retrieval service was calibrated to.
    """

    query: str
    limit: int
    filter: PassageFilter
    min_relevance: float | None = None


def client_queries(case: Case) -> tuple[SearchQuery, ...]:
    """Return the searches for guides on this client's class, horizon and goal, in the client's language."""
    subjects = list(_CLIENT_SUBJECTS)
    if case.situation.goal.kind is not None:
        subjects.append(_GOAL_SUBJECTS[case.situation.goal.kind])
    client_class = case.profile.client_class
    return tuple(_guide_query(case, _words(case, subject).format(c=client_class)) for subject in subjects)


def product_queries(case: Case, product_ids: Iterable[str]) -> tuple[SearchQuery, ...]:
    """Return two kinds of searches: each product's own factsheet, then a guide per main asset class.

    Funds outside the catalogue have no factsheet and are passed over.
    """
    products = [case.catalogue.products[key] for key in product_ids if key in case.catalogue.products]
    classes = dict.fromkeys(product.asset_class for product in products)
    return (*_factsheet_queries(case, products), *(_class_query(case, key) for key in classes))


def _factsheet_queries(case: Case, products: list[Product]) -> Iterator[SearchQuery]:
    for product in products:
        chinese = case.situation.language == "zh" and product.factsheet.zh is not None
        name = product.name.zh if chinese else product.name.en
        words = "持有什么 可能出什么问题" if chinese else "what it holds, what can go wrong"
        # A product without a Chinese factsheet is cited from the English one: a source beats no source.
        restrict = PassageFilter(
            jurisdictions=(case.situation.jurisdiction,),
            languages=("zh" if chinese else "en",),
            kinds=(FACTSHEET,),
            product_ids=(product.id,),
        )
        yield SearchQuery(f"{name or product.name.en} {words}", _FACTSHEETS_PER_PRODUCT, restrict, _NEAREST)


def _class_query(case: Case, asset_class: str) -> SearchQuery:
    group = case.catalogue.assumptions.classes[asset_class].group
    subject = _CLASS_SUBJECTS.get(asset_class, _GROUP_SUBJECTS[group])
    return _guide_query(case, _words(case, subject), (asset_class,))


def _guide_query(case: Case, query: str, asset_classes: tuple[str, ...] = ()) -> SearchQuery:
    restrict = PassageFilter(
        asset_classes=asset_classes,
        jurisdictions=(case.situation.jurisdiction,),
        languages=(case.situation.language,),
        kinds=(GUIDE,),
    )
    return SearchQuery(query, _GUIDES_PER_SUBJECT, restrict, _NEAREST)


def _words(case: Case, subject: Text) -> str:
    return subject.zh if case.situation.language == "zh" else subject.en
