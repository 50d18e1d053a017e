"""A knowledge base small enough to check by hand: two asset classes, one fund, one pack, one questionnaire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Documents = dict[str, Any]

ORIGIN = {"source": "derived", "verified": False}
TEXT = {"en": "Words", "zh": "文字"}
FUND = "products/us/VTI.yaml"
ASSUMPTIONS = "assumptions/tiny.yaml"
LEVEL_RULE = "rules/product_risk_level.yaml"
PACK = "rules/suitability-us.yaml"
QUESTIONNAIRE = "questionnaires/short.yaml"


def documents() -> Documents:
    """Return the content of each file of a knowledge base without a fault, by path below kb."""
    return {
        "sources.yaml": {key: source() for key in ("derived", "general-knowledge")},
        FUND: product("VTI"),
        ASSUMPTIONS: assumptions(),
        LEVEL_RULE: level_rule(),
        PACK: pack(),
        QUESTIONNAIRE: questionnaire(),
    }


def write(kb: Path, content: Documents) -> Path:
    """Write each document as YAML below kb and return kb."""
    for name, document in content.items():
        (kb / name).parent.mkdir(parents=True, exist_ok=True)
        (kb / name).write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return kb


def write_changed(kb: Path, change: Callable[[Documents], object]) -> Path:
    """Write the faultless documents after one change to them."""
    content = documents()
    change(content)
    return write(kb, content)


def source() -> Documents:
    return {"title": "A table", "publisher": "Someone", "licence": "MIT", "as_of": "2026"}


def product(key: str) -> Documents:
    return {
        "id": key,
        "kind": "ETF",
        "name": {"en": "A share fund"},
        "asset_class": "shares",
        "currency": "USD",
        "jurisdictions": ["US"],
        "issuer": {"value": "Someone", **ORIGIN},
        "expense_ratio": {"value": 0.0003, "as_of": "2026-01-31", **ORIGIN},
        "exposures": {"classes": {"shares": 1.0}, "specific_volatility": 0.0, **ORIGIN},
        "risk_level": {"basis": "derived", "level": "R3", "rule": "bands"},
        "main_risks": {"en": ["Shares fall."], **ORIGIN},
        "factsheet": {"en": "## What it holds\n\nShares."},
    }


def assumptions() -> Documents:
    return {
        "id": "tiny",
        "label": "ILLUSTRATIVE",
        "as_of": "2026-11-01",
        "horizon_years": 10,
        "return_kind": "ARITHMETIC",
        "price_basis": "NOMINAL",
        "note": TEXT,
        "inflation": {"USD": 0.02, "CNY": 0.01, **ORIGIN},
        # Not in alphabetical order, so that a catalogue which sorted them would be caught.
        "classes": {"shares": asset_class("EQUITY", 0.16), "cash": asset_class("CASH", 0.005)},
        "usd_cny": {"name": TEXT, "expected_change": -0.02, "volatility": 0.05, "method": "Judgement.", **ORIGIN},
        "correlations": {
            "order": ["shares", "cash", "usd_cny"],
            "rows": [[1.0], [0.0, 1.0], [0.0, 0.0, 1.0]],
            "method": "Judgement.",
            **ORIGIN,
        },
    }


def asset_class(group: str, volatility: float) -> Documents:
    return {
        "name": TEXT,
        "group": group,
        "currency": "USD",
        "expected_return": 0.05,
        "volatility": volatility,
        "blocks": {"yield": 0.03, "growth": 0.02},
        "method": "Judgement.",
        **ORIGIN,
    }


def level_rule() -> Documents:
    return {
        "id": "bands",
        "label": "ILLUSTRATIVE",
        "bands": {"R1": 0.01, "R2": 0.07, "R3": 0.18, "R4": 0.26},
        "floors": {"shares": "R2"},
        "thematic_specific_volatility": 0.20,
        "text": TEXT,
        "date": "2026-11-22",
        **ORIGIN,
    }


def pack() -> Documents:
    return {
        "id": "suitability-us",
        "jurisdiction": "US",
        "version": "1",
        "as_of": "2026-11-22",
        "label": "ILLUSTRATIVE",
        "class_thresholds": {"C1": 20, "C2": 40, "C3": 60, "C4": 80},
        "classes": {f"C{n}": limits(n) for n in range(1, 6)},
        "rules": [
            {"id": "R07", "short_name": "Level", "severity": "BLOCK", "text": TEXT, "date": "2026-11-22", **ORIGIN}
        ],
    }


def limits(n: int) -> Documents:
    return {
        "name": TEXT,
        "max_product_level": f"R{n}",
        "max_portfolio_volatility": 0.01 * n,
        "max_loss_share": 0.1 * n,
        "risk_aversion": 6 - n,
        "max_product_weight": 0.5,
        "max_group_weight": {"EQUITY": 0.2 * n},
        "override_allowed": False,
    }


def questionnaire() -> Documents:
    return {
        "id": "short",
        "version": "1",
        "label": "ILLUSTRATIVE",
        "title": TEXT,
        "valid_days": 365,
        "scoring": TEXT,
        "questions": [
            question("horizon", "CAPACITY"),
            question("reaction", "TOLERANCE"),
            question("owned", "KNOWLEDGE"),
        ],
        "inconsistencies": [{"id": "pair", "when": {"horizon": ["low"], "reaction": ["high"]}, "text": TEXT}],
        **ORIGIN,
    }


def question(key: str, dimension: str) -> Documents:
    options = [{"id": "low", "text": TEXT, "points": 0}, {"id": "high", "text": TEXT, "points": 10}]
    return {"id": key, "dimension": dimension, "text": TEXT, "options": options}
