"""Facts on the client, the money and the universe: known before anything is optimised."""

from __future__ import annotations

from collections.abc import Iterator

from services.orchestrator.facts.fact import Fact, Subject
from services.orchestrator.facts.make import About, Roots
from services.orchestrator.holdings import CurrentPortfolio
from services.orchestrator.suitability.universe import Universe
from services.orchestrator.text import Text

CLIENT = Subject("CLIENT")
UNIVERSE = Subject("UNIVERSE")

_SIDES = {
    "CAPACITY": Text("capacity", "承受能力"),
    "TOLERANCE": Text("tolerance", "承受意愿"),
    "EQUAL": Text("capacity and tolerance alike", "承受能力与承受意愿"),
}


def client_facts(roots: Roots, universe: Universe, current: CurrentPortfolio) -> Iterator[Fact]:
    """Yield the facts that hold without a portfolio."""
    yield from _profile(roots)
    yield from _money(roots, current)
    yield from _universe(roots, universe)
    assumptions = roots.case.catalogue.assumptions
    label = Text("day of the capital-market assumptions", "资本市场假设日期")
    source = roots.assumption(assumptions.usd_cny)
    about = About("assumptions_date", Subject("PORTFOLIO"), label, "STATED", source, as_of=assumptions.as_of)
    yield about.day(assumptions.as_of)


def _profile(roots: Roots) -> Iterator[Fact]:
    profile, limits = roots.case.profile, roots.case.limits
    answers = roots.rule("R11")
    capacity = Text("capacity for loss, of 100", "风险承受能力得分（满分100）")
    tolerance = Text("tolerance for risk, of 100", "风险承受意愿得分（满分100）")
    side, scores = _SIDES[profile.binding_side], ("capacity_score", "tolerance_score")
    yield About("capacity_score", CLIENT, capacity, "CLIENT_STATED", answers).quantity(profile.capacity_score, "SCORE")
    yield About("tolerance_score", CLIENT, tolerance, "CLIENT_STATED", answers).quantity(
        profile.tolerance_score, "SCORE"
    )
    label = Text("side that binds the class", "决定等级的一方")
    source = roots.rule("R11", *scores)
    yield About("binding_side", CLIENT, label, "CLIENT_STATED", source).words(profile.binding_side, side)
    name = Text(f"{profile.client_class} ({limits.name.en})", f"{profile.client_class}（{limits.name.zh}）")
    label = Text("client class", "客户风险等级")
    yield About("client_class", CLIENT, label, "CLIENT_STATED", source).words(profile.client_class, name)
    label = Text("years until the money is needed", "距用款年限")
    years = roots.case.situation.goal.horizon_years
    yield About("horizon_years", CLIENT, label, "CLIENT_STATED", roots.client()).quantity(years, "YEARS")


def _money(roots: Roots, current: CurrentPortfolio) -> Iterator[Fact]:
    label = Text("worth of holdings and cash", "持仓与现金总值")
    yield About("total_value", CLIENT, label, "CLIENT_STATED", roots.client()).money(current.total)
    label = Text("cash to invest", "可投资现金")
    yield About("cash_today", CLIENT, label, "CLIENT_STATED", roots.client()).money(current.cash)


def _universe(roots: Roots, universe: Universe) -> Iterator[Fact]:
    label = Text("products in the catalogue", "目录产品数量")
    source = roots.rule("R13")
    yield About("universe_count", UNIVERSE, label, "ACTUAL", source).quantity(universe.catalogue_count, "COUNT")
    label = Text("products this client may hold", "该客户可持有的产品数量")
    source = roots.rule("R07", "universe_count", "client_class")
    count = len(universe.eligible_product_ids)
    yield About("eligible_count", UNIVERSE, label, "ACTUAL", source).quantity(count, "COUNT")
