"""Small markets and problems whose answers can be worked out by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from services.optimizer.answers import Frontier, FrontierJob, Infeasible, OptimizeJob, Portfolio
from services.optimizer.engine import frontier, optimize
from services.optimizer.moments import Market, market_of
from services.optimizer.objective import MinimumVariance, Wanted
from services.optimizer.problem import Bound, Group, Limits, Problem, Product
from services.optimizer.solve import Solver
from shared.assumptions import AssumptionSet

ROOT = Path(__file__).parents[3]
KB = ROOT / "kb"
REFERENCE = Path(os.environ.get("FIDUCIA_SHARED_DATA", ROOT.parent / "shared" / "data")) / "reference"

Objective = Wanted

# One solver for the whole run: what it answers may not depend on what it was asked before.
SOLVER = Solver()


def dense_market(expected: Sequence[float], covariance: Any) -> Market:
    """Return a market of USD classes a0, a1, … with these moments; cash and the dollar in yuan stand still."""
    n = len(expected)
    factors = np.zeros((n + 2, n + 2))
    factors[:n, :n] = covariance
    values, vectors = np.linalg.eigh(factors)
    return Market(
        snapshot="0" * 64,
        factors=(*(f"a{i}" for i in range(n)), "us_cash", "usd_cny"),
        currencies=("USD",) * (n + 1),
        expected=np.array([*expected, 0.0, 0.0]),
        root=vectors * np.sqrt(np.maximum(values, 0.0)),
    )


def products(count: int, fees: Sequence[float] | None = None, specific: float = 0.0) -> tuple[Product, ...]:
    """Return products p0, p1, …, each one class of a dense market."""
    charged = fees or [0.0] * count
    return tuple(Product(f"p{i}", f"a{i}", {f"a{i}": 1.0}, specific, charged[i]) for i in range(count))


def best(problem: Problem, market: Market, objective: Objective | None = None) -> Portfolio:
    """Return the optimum of a problem that has one."""
    answer = optimize(OptimizeJob(problem, market, objective or MinimumVariance()), SOLVER)
    assert isinstance(answer, Portfolio)
    return answer


def contradiction(problem: Problem, market: Market, objective: Objective | None = None) -> Infeasible:
    """Return the contradiction of a problem that has one."""
    answer = optimize(OptimizeJob(problem, market, objective or MinimumVariance()), SOLVER)
    assert isinstance(answer, Infeasible)
    return answer


def traced(problem: Problem, market: Market, count: int) -> Frontier:
    """Return the frontier of a problem that has one."""
    answer = frontier(FrontierJob(problem, market, count), SOLVER)
    assert isinstance(answer, Frontier)
    return answer


def capped(items: Sequence[Product], maximum: float) -> Mapping[str, Bound]:
    """Return the same largest weight for every product."""
    return {product.id: Bound(maximum=maximum) for product in items}


def group(name: str, members: Sequence[str], minimum: float | None = None, maximum: float | None = None) -> Group:
    """Return a group of products by id."""
    return Group(name, Bound(minimum, maximum), product_ids=frozenset(members))


def relaxed(limits: Limits, field: str, bound: float | None) -> Limits:
    """Return the limits with the named one set to `bound`, None dropping it."""
    if field == "limits.max_turnover":
        return replace(limits, max_turnover=bound)
    if field == "limits.max_volatility":
        return replace(limits, max_volatility=bound)
    if field == "limits.max_cvar" and limits.max_cvar is not None:
        cvar = None if bound is None else replace(limits.max_cvar, max_loss=bound)
        return replace(limits, max_cvar=cvar)
    if field == "limits.positions.max_positions" and limits.positions is not None and bound is not None:
        return replace(limits, positions=replace(limits.positions, max_positions=int(bound)))
    if field in ("limits.max_risk_level_score", "limits.max_liquidity_days", "limits.min_cash"):
        return replace(limits, **{field.removeprefix("limits."): bound})  # type: ignore[arg-type]
    name, side = field.split("[")[1].split("].")
    changed = {"minimum" if side == "min_weight" else "maximum": bound}
    if field.startswith("limits.products["):
        return replace(limits, products={**limits.products, name: replace(limits.products[name], **changed)})
    groups = (replace(g, bound=replace(g.bound, **changed)) if g.name == name else g for g in limits.groups)
    return replace(limits, groups=tuple(groups))


def kb_assumptions() -> AssumptionSet:
    """Return the assumptions that ship with the knowledge base."""
    (path,) = sorted((KB / "assumptions").glob("*.yaml"))[-1:]
    return AssumptionSet.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def kb_market() -> Market:
    """Return the market of the shipped assumptions."""
    return market_of("1" * 64, kb_assumptions())


def kb_products(jurisdiction: str | None = None) -> tuple[Product, ...]:
    """Return the products of the knowledge base with a known fee, by id."""
    entries = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((KB / "products").glob("*/*.yaml"))]
    return tuple(
        Product(
            id=entry["id"],
            asset_class=entry["asset_class"],
            exposures=entry["exposures"]["classes"],
            specific_volatility=entry["exposures"]["specific_volatility"],
            expense_ratio=entry["expense_ratio"]["value"],
            currency_hedged=entry["exposures"].get("currency_hedged", False),
        )
        for entry in entries
        if "expense_ratio" in entry and (jurisdiction is None or jurisdiction in entry["jurisdictions"])
    )
