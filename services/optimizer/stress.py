"""Stress scenarios: what a past or assumed shock to asset classes does to a portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from services.optimizer.moments import CASH_CLASS, Vector
from services.optimizer.problem import Product
from shared.assumptions import LocalText, Origin
from shared.entries import Entry, collect, read_entry
from shared.problems import KnowledgeBaseError, Problem, file_name
from shared.snapshots import SnapshotRefused, replace_file

STRESS_FILE = "stress.json"


class Shock(Origin):
    """Total return of one asset class over the scenario, a fraction, in the currency of the class."""

    value: Annotated[float, Field(gt=-1.0, lt=5.0)]
    note: str = ""


class StressScenario(Entry):
    """Shocks by asset class, those of classes in dollars and in yuan apart, and the change of a dollar in yuan."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: LocalText
    kind: Literal["HISTORICAL", "ASSUMED"]
    period: str = ""
    usd_cny: Shock
    shocks: dict[Literal["USD", "CNY"], dict[str, Shock]]

    @model_validator(mode="after")
    def _names_each_class_once(self) -> StressScenario:
        names = [name for group in self.shocks.values() for name in group]
        if len(set(names)) != len(names):
            raise ValueError("shocks: a class has one currency; name it once")
        return self

    def returns(self, base_currency: str, is_hedged: bool) -> dict[str, float]:
        """Return what each class does for a client of this currency; exact in the change of the currency."""
        return {
            name: (1.0 + shock.value) * (1.0 + self._change(currency, base_currency, is_hedged)) - 1.0
            for currency, group in self.shocks.items()
            for name, shock in group.items()
        }

    def _change(self, currency: str, base_currency: str, is_hedged: bool) -> float:
        """Return the change of a currency in units of the base currency."""
        if currency == base_currency or is_hedged:
            return 0.0
        dollar = self.usd_cny.value
        return dollar if currency == "USD" else 1.0 / (1.0 + dollar) - 1.0


@dataclass(frozen=True, eq=False)
class StressResult:
    """Loss of the portfolio, a positive fraction, and its parts by product, (n,)."""

    scenario: str
    description: str
    loss: float
    contributions: Vector


def applied(scenario: StressScenario, products: Sequence[Product], weights: Vector, base_currency: str) -> StressResult:
    """Return what the scenario does to these weights, (n,); every class of a product that is held must be known."""
    plain, hedged = (scenario.returns(base_currency, is_hedged) for is_hedged in (False, True))
    cash = CASH_CLASS[base_currency]
    losses = np.zeros(len(products))
    for row, product in enumerate(products):
        if weights[row] != 0.0:
            losses[row] = -weights[row] * _gain(product, hedged if product.currency_hedged else plain, cash)
    return StressResult(scenario.id, scenario.description.en, float(losses.sum()), losses)


def unknown_classes(scenario: StressScenario, products: Sequence[Product], weights: Vector) -> list[tuple[int, str]]:
    """Return the classes of held products that the scenario has no shock for, with the product's position."""
    known = {name for group in scenario.shocks.values() for name in group}
    held = [(row, product) for row, product in enumerate(products) if weights[row] != 0.0]
    return [(row, name) for row, product in held for name in _exposures(product) if name not in known]


def read_scenarios(kb: Path) -> tuple[StressScenario, ...]:
    """Return the scenarios in kb/stress, by name. Raises KnowledgeBaseError with every fault."""
    paths = sorted((kb / "stress").glob("*.yaml"))
    found, problems = collect(paths, lambda path: read_entry(path, file_name(kb, path), StressScenario))
    for path, scenario in zip(paths, found, strict=False):
        if not problems and path.stem != scenario.id:
            problems.append(Problem(file_name(kb, path), "id", f"found {scenario.id!r}, expected the file's name"))
    if problems:
        raise KnowledgeBaseError(problems)
    return tuple(found)


def write_scenarios(root: Path, scenarios: Sequence[StressScenario]) -> None:
    """Put the scenarios beside the market snapshots below `root`, in place of those before."""
    replace_file(root / STRESS_FILE, _SCENARIOS.dump_json(tuple(scenarios)))


def stored_scenarios(root: Path) -> Mapping[str, StressScenario]:
    """Return the scenarios beside the market snapshots, by name; none where none were ingested.

    Raises SnapshotRefused where the file cannot be read.
    """
    path = root / STRESS_FILE
    try:
        return {scenario.id: scenario for scenario in _SCENARIOS.validate_json(path.read_bytes())}
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise SnapshotRefused(f"{path}: cannot be used; run: fiducia ingest kb/") from error


def _gain(product: Product, returns: Mapping[str, float], cash: str) -> float:
    exposures = _exposures(product)
    rest = 1.0 - sum(exposures.values())
    return sum(loading * returns[name] for name, loading in exposures.items()) + rest * returns.get(cash, 0.0)


def _exposures(product: Product) -> Mapping[str, float]:
    return product.exposures or {product.asset_class: 1.0}


_SCENARIOS: TypeAdapter[tuple[StressScenario, ...]] = TypeAdapter(tuple[StressScenario, ...])
