"""What is true of a brief: the conditions under which phrases may be said, computed from its facts."""

from __future__ import annotations

from services.advice.brief import Brief, Product

# Differences smaller than these are called "about the same": half a percentage point of volatility and
# two hundredths of a percentage point of cost lie within the roundings of the assumptions.
VOLATILITY_STEP = 0.005
COST_STEP = 0.0002
# Below three years a fall may not be made good in time; from ten on, guides speak of a long horizon.
SHORT_YEARS = 3.0
LONG_YEARS = 10.0


def portfolio_claims(brief: Brief) -> frozenset[str]:
    """Return the claims about client, portfolio and trades that the facts support."""
    found = _profile(brief) | _trades(brief) | _bad_year(brief)
    products = _count(brief)
    if products is not None:
        found.add("one_product" if products == 1 else "several_products")
    found |= _compared(brief, "volatility", VOLATILITY_STEP, ("calmer", "as_calm_as", "wilder"))
    found |= _compared(brief, "cost_share", COST_STEP, ("cheaper", "as_cheap_as", "dearer"))
    fees = [brief.amount(brief.fact_id("fee", product.id)) for product in proposed(brief)]
    if len({fee for fee in fees if fee is not None}) > 1:
        found.add("fees_differ")
    return frozenset(found)


def product_claims(brief: Brief, product_id: str) -> frozenset[str]:
    """Return whether a product brings more of the portfolio's risk than its weight, or less."""
    weight, share = (brief.amount(brief.fact_id(prefix, product_id)) for prefix in ("weight", "risk_share"))
    if weight is None or share is None:
        return frozenset()
    return frozenset({"product_above_weight" if share > weight else "product_below_weight"})


def alternative_claims(brief: Brief, alternative: str) -> frozenset[str]:
    """Return how an alternative compares with the proposal; nothing where risk and return point apart."""
    prefix = f"alternative.{alternative}."
    risk = _difference(brief, f"{prefix}volatility", "volatility")
    gain = _difference(brief, f"{prefix}expected_return_net", "expected_return_net")
    worse = _difference(brief, f"{prefix}bad_year_loss", "bad_year_loss") or 0.0
    found = {"alt_loses"} if (brief.amount(f"{prefix}bad_year_loss") or 0.0) > 0.0 else set()
    if risk is None or gain is None:
        return frozenset(found)
    if abs(risk) < VOLATILITY_STEP:
        found.add("alt_as_calm")
    elif risk < 0.0 and gain < 0.0 and worse <= 0.0:
        found.add("alt_calmer")
    elif risk > 0.0 and gain > 0.0 and worse >= 0.0:
        found.add("alt_wilder")
    return frozenset(found)


def proposed(brief: Brief) -> list[Product]:
    """Return the proposed products, the heaviest first."""
    mine = [product for product in brief.products if product.proposed]
    return sorted(mine, key=lambda product: -(brief.amount(brief.fact_id("weight", product.id)) or 0.0))


def holds_today(brief: Brief) -> bool:
    """Return whether the client holds anything besides cash today."""
    return any(product.held_today for product in brief.products)


def _count(brief: Brief) -> int | None:
    stated = brief.amount("product_count")
    return int(stated) if stated is not None else len(proposed(brief)) or None


def _profile(brief: Brief) -> set[str]:
    found: set[str] = set()
    capacity, tolerance = brief.amount("capacity_score"), brief.amount("tolerance_score")
    if capacity is not None and tolerance is not None:
        found.add(_order(capacity - tolerance, 0.0, "capacity_binds", "scores_equal", "tolerance_binds"))
    years = brief.amount("horizon_years")
    if years is not None:
        found.add(
            "short_horizon" if years < SHORT_YEARS else "long_horizon" if years >= LONG_YEARS else "medium_horizon"
        )
        found |= {"enough_time"} if years >= SHORT_YEARS else set()
    level, client = _grade(brief, "portfolio_risk_level", "R"), _grade(brief, "client_class", "C")
    if level and client and level <= client:
        found.add("level_within_class")
    return found


def _grade(brief: Brief, fact_id: str, letter: str) -> int:
    fact = brief.fact.get(fact_id)
    words = str(fact.value) if fact else ""
    return int(words[1]) if len(words) == 2 and words[0] == letter and words[1] in "12345" else 0


def _trades(brief: Brief) -> set[str]:
    found = {"holds_today"} if holds_today(brief) else set()
    sides = {side_of(brief, product) for product in brief.products}
    buys, sells = "BUY" in sides, "SELL" in sides
    if buys or sells:
        found.add("buys_and_sells" if buys and sells else "buys_only" if buys else "sells_only")
    return found


def side_of(brief: Brief, product: Product) -> str:
    """Return BUY or SELL for a product that is traded, else ""."""
    amount = brief.amount(brief.fact_id("trade", product.id))
    stated = brief.fact.get(brief.fact_id("trade_side", product.id))
    if amount is None or amount <= 0.0 or stated is None:
        return ""
    side = str(stated.value).upper()
    return side if side in ("BUY", "SELL") else ""


def _bad_year(brief: Brief) -> set[str]:
    loss = brief.amount("bad_year_loss")
    if loss is None:
        loss = brief.amount("bad_year_loss_share")
    found = {"today_loses"} if (brief.amount("current_bad_year_loss") or 0.0) > 0.0 else set()
    if loss is not None:
        found.add("loses_in_bad_year" if loss > 0.0 else "gains_in_bad_year")
    return found


def _compared(brief: Brief, fact_id: str, step: float, words: tuple[str, str, str]) -> set[str]:
    change = _difference(brief, fact_id, f"current_{fact_id}")
    if change is None:
        return set()
    lower, same, higher = words
    word = _order(change, step, f"{lower}_than", same, f"{higher}_than")
    return {f"{word}_today"}


def _difference(brief: Brief, left: str, right: str) -> float | None:
    a, b = brief.amount(left), brief.amount(right)
    return None if a is None or b is None else a - b


def _order(difference: float, step: float, lower: str, same: str, higher: str) -> str:
    if abs(difference) <= step:
        return same
    return lower if difference < 0.0 else higher
