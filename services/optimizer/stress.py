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
    """Shocks by asset class, those of classes in dollars and in yuan apart, and the change of a dollar in yuan.

    yield_change: by which all yields move at once, a fraction; None where the scenario is not one of yields alone.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: LocalText
    kind: Literal["HISTORICAL", "ASSUMED"]
    period: str = ""
    usd_cny: Shock
    yield_change: Shock | None = None
    shocks: dict[Literal["USD", "CNY"], dict[str, Shock]]

    @model_validator(mode="after")
    def _names_each_class_once(self) -> StressScenario:
        names = [name for group in self.shocks.values() for name in group]
        if len(set(names)) != len(names):
            raise ValueError("shocks: a class has one currency; name it once")
        return self

    @model_validator(mode="after")
    def _moves_yields_or_currencies(self) -> StressScenario:
        # A duration tells nothing of what a fund holds abroad.
        if self.yield_change is not None and self.usd_cny.value != 0.0:
            raise ValueError("yield_change: currencies stand still in a scenario of yields; set usd_cny to 0")
        return self

    def gain_by_duration(self, product: Product) -> float | None:
        """Return what the product gains by its own duration, a fraction; None where its classes have to tell.

        First order, -D dy: convexity, which the shocks of the classes hold, is left out.
        Source: Fabozzi, Fixed Income Mathematics, chapter 11.
        """
        if self.yield_change is None or product.duration_years is None:
            return None
        # The line goes on below zero, a price does not.
        return max(-product.duration_years * self.yield_change.value, -1.0)

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
    """Return what the scenario does to these weights, (n,); no class of a product held may be unknown.

    Where the scenario moves yields, a product that carries a duration loses by that and not by its classes.
    """
    plain, hedged = (scenario.returns(base_currency, is_hedged) for is_hedged in (False, True))
    cash = CASH_CLASS[base_currency]
    losses = np.zeros(len(products))
    for row, product in enumerate(products):
        if weights[row] == 0.0:
            continue
        gain = scenario.gain_by_duration(product)
        if gain is None:
            gain = _gain(product, hedged if product.currency_hedged else plain, cash)
        losses[row] = -weights[row] * gain
    return StressResult(scenario.id, scenario.description.en, float(losses.sum()), losses)


def unknown_classes(scenario: StressScenario, products: Sequence[Product], weights: Vector) -> list[tuple[int, str]]:
    """Return the classes that a shock is missing for, with the position of the product that is held and needs it."""
    known = {name for group in scenario.shocks.values() for name in group}
    by_class = [
        (row, product)
        for row, product in enumerate(products)
        if weights[row] != 0.0 and scenario.gain_by_duration(product) is None
    ]
    return [(row, name) for row, product in by_class for name in _exposures(product) if name not in known]


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
