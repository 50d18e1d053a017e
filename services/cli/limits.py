"""The limits of a portfolio in words; the services name them by the fields of their messages."""

from __future__ import annotations

import re

from fiducia.optimizer.v1 import portfolio_pb2

from services.cli.format import percent

_MEMBER = re.compile(r"(?:^|\.)limits\.(?:products|groups)\[([^\]]+)\]\.(min|max)_weight$")
_REQUIRED = "required_"  # The orchestrator's group of one product that the client insists on.
_GROUPS = ("CASH", "BOND", "EQUITY", "REAL_ASSET")
_BOUNDS = {"min": "at least", "max": "at most"}


def limit_in_words(limit: portfolio_pb2.BindingLimit | portfolio_pb2.ConflictingLimit) -> str:
    """Return `BND at most 35.0 %` or `yearly volatility at most 10.0 %`; an unknown field keeps its name."""
    bound = percent(limit.bound)
    member = _MEMBER.search(limit.field)
    if member:
        return f"{_name(member[1])} {_BOUNDS[member[2]]} {bound}"
    if limit.field.endswith("max_volatility"):
        return f"yearly volatility at most {bound}"
    if limit.field.endswith("max_turnover"):
        return f"turnover at most {bound}"
    return f"{limit.field} {limit.bound:g}"


def _name(member: str) -> str:
    """Return a product's id as it is, and the name of a group as words."""
    if member.startswith(_REQUIRED):
        return member.removeprefix(_REQUIRED)
    return member.replace("_", " ").lower() if member in _GROUPS else member


def client_field(limit: portfolio_pb2.ConflictingLimit) -> str:
    """Return the field of a client file that such a limit can come from; empty where the rules set it."""
    member = _MEMBER.search(limit.field)
    if member and member[2] == "min":
        return "preferences.required_products"
    if limit.field.endswith("max_volatility"):
        return "preferences.max_volatility"
    if limit.field.endswith("max_turnover"):
        return "preferences.max_turnover"
    return ""
