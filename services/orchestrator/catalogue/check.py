"""Check the knowledge base across files: what one entry says about another must hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.risk_level import derived_level
from services.orchestrator.catalogue.rules import LevelRule, RulePack
from services.orchestrator.catalogue.schema import DerivedLevel, Product
from shared.assumptions import Origin
from shared.entries import Entry
from shared.problems import Problem

GENERAL_KNOWLEDGE = "general-knowledge"


def problems_across(catalogue: Catalogue, files: Mapping[str, Entry]) -> list[Problem]:
    """Return every contradiction between the entries of a catalogue; files: each entry by the name of its file."""
    found: list[Problem] = []
    for file, entry in files.items():
        found += _source_problems(entry, file, catalogue)
        if isinstance(entry, Product):
            found += _product_problems(entry, file, catalogue)
        elif isinstance(entry, RulePack):
            found += _pack_problems(entry, file, catalogue)
        elif isinstance(entry, LevelRule):
            found += _floor_problems(entry, file, catalogue)
    return found


def _source_problems(entry: Entry, file: str, catalogue: Catalogue) -> Iterator[Problem]:
    for field, origin in _origins(entry, ""):
        if origin.source not in catalogue.sources:
            yield Problem(file, f"{field}source", f"unknown source {origin.source}; add it to kb/sources.yaml")
        elif origin.source == GENERAL_KNOWLEDGE and origin.verified:
            yield Problem(file, f"{field}verified", f"true with source {GENERAL_KNOWLEDGE}; set it to false")


def _origins(value: object, path: str) -> Iterator[tuple[str, Origin]]:
    """Yield each statement with an origin inside a value, with the dotted path that leads to it."""
    if isinstance(value, Origin):
        yield path, value
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _origins(item, f"{path}{key}.")


def _product_problems(product: Product, file: str, catalogue: Catalogue) -> Iterator[Problem]:
    unknown = sorted(set(product.exposures.classes) - set(catalogue.assumptions.classes))
    for key in unknown:
        yield Problem(file, f"exposures.classes.{key}", "unknown asset class; use one of the assumptions")
    for jurisdiction in sorted(set(product.jurisdictions) - set(catalogue.packs)):
        yield Problem(file, "jurisdictions", f"no rule pack for {jurisdiction}; add one to kb/rules")
    if not unknown:
        yield from _level_problems(product, file, catalogue)


def _level_problems(product: Product, file: str, catalogue: Catalogue) -> Iterator[Problem]:
    """A rated level stands as given; a derived one must be what the rule gives today."""
    stated, rule = product.risk_level, catalogue.level_rule
    if not isinstance(stated, DerivedLevel):
        return
    if stated.rule != rule.id:
        yield Problem(file, "risk_level.rule", f"found {stated.rule}, the rule in force is {rule.id}; derive it again")
        return
    level = derived_level(product, catalogue.assumptions, rule)
    if stated.level != level:
        exposures = product.exposures
        volatility = catalogue.assumptions.local_volatility(exposures.classes, exposures.specific_volatility)
        reason = f"found {stated.level}, the rule gives {level} at a volatility of {volatility:.4f}; set it to {level}"
        yield Problem(file, "risk_level.level", reason)


def _pack_problems(pack: RulePack, file: str, catalogue: Catalogue) -> Iterator[Problem]:
    """A portfolio inside the volatility limit of its class must not be graded above the class."""
    for name, limits in pack.classes.items():
        bound = catalogue.level_rule.bands.get(limits.max_product_level, 1.0)
        if limits.max_portfolio_volatility > bound:
            reason = f"found {limits.max_portfolio_volatility}, above {bound}, the band of {limits.max_product_level}"
            yield Problem(file, f"classes.{name}.max_portfolio_volatility", f"{reason}; lower it")


def _floor_problems(rule: LevelRule, file: str, catalogue: Catalogue) -> Iterator[Problem]:
    for key in sorted(set(rule.floors) - set(catalogue.assumptions.classes)):
        yield Problem(file, f"floors.{key}", "unknown asset class; use one of the assumptions")
