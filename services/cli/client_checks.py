"""What no single field of a client file can tell: one currency throughout, and what each holding needs.

These look at the text as it was read, so that they also run where a field elsewhere is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.cli.client_values import parse_amount
from services.cli.errors import Problem

_OR_VALUE = "or the whole worth, `value: 5000`"


def problems_between_fields(raw: Mapping[str, Any]) -> list[Problem]:
    """Return every problem that lies between fields."""
    problems = list(_currency_problems(raw))
    for index, holding in _holdings(raw):
        problems += _holding_problems(f"holdings[{index}]", holding)
    if not raw.get("holdings") and not raw.get("cash"):
        problems.append(Problem("cash", "missing, and there are no holdings; state the money to invest, `cash: 25000`"))
    return problems


def _holdings(raw: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    holdings = raw.get("holdings")
    for index, holding in enumerate(holdings if isinstance(holdings, list) else []):
        if isinstance(holding, dict):
            yield index, holding


def _currency_problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    base = raw.get("base_currency")
    for path, text in _amounts(raw):
        try:
            currency = parse_amount(text).currency
        except ValueError:
            continue  # The field's own problem.
        if currency and base and currency != base:
            yield Problem(path, f"in {currency}, but base_currency is {base}; convert it and state it in {base}")


def _amounts(raw: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if "cash" in raw:
        yield "cash", raw["cash"]
    for index, holding in _holdings(raw):
        yield from ((f"holdings[{index}].{name}", holding[name]) for name in ("price", "value") if name in holding)


def _holding_problems(path: str, holding: Mapping[str, Any]) -> Iterator[Problem]:
    if ("product" in holding) == ("external" in holding):
        found = "both are stated" if "product" in holding else "neither is stated"
        yield Problem(
            path,
            f"{found}; name either `product:`, a fund of the catalogue, or `external:`, another fund "
            "with its name, asset_class and risk_level",
        )
    if "value" in holding:
        if "units" in holding or "price" in holding:
            yield Problem(f"{path}.value", "stated beside units or price; keep either the value, or units and price")
        return
    if "price" not in holding:
        unlisted = "a fund outside the catalogue has no price here; " if "external" in holding else ""
        yield Problem(f"{path}.price", f"missing; {unlisted}state that of one unit, `price: 12.34`, {_OR_VALUE}")
    if "units" not in holding:
        yield Problem(f"{path}.units", f"missing; state the number held, `units: 120`, {_OR_VALUE}")
