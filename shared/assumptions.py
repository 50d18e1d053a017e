"""Capital-market assumptions: what each asset class is expected to do, with method, source and date."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shared.entries import Entry

Currency = Literal["USD", "CNY"]
AssetGroup = Literal["CASH", "BOND", "EQUITY", "REAL_ASSET"]
USD_CNY = "usd_cny"

# Rounded published correlations are often indefinite by this much; more is an error in the file.
_EIGENVALUE_TOLERANCE = 1e-8
# Building blocks are stated to a tenth of a percentage point: they must sum to less than half of one.
_BLOCK_TOLERANCE = 0.0005


class LocalText(Entry):
    """The same words in English and, where written, Chinese."""

    en: Annotated[str, Field(min_length=1)]
    zh: str | None = None


class Origin(Entry):
    """Where a value comes from: a key of kb/sources.yaml, and whether someone read it there."""

    source: Annotated[str, Field(min_length=1)]
    verified: bool


class ClassAssumption(Origin):
    """One asset class, in its own currency: nominal, arithmetic, per year.

    `blocks`, where given, are the parts that the expected return is the sum of: yield, growth, inflation, ...
    """

    name: LocalText
    group: AssetGroup
    currency: Currency
    expected_return: Annotated[float, Field(gt=-0.5, lt=0.5)]
    volatility: Annotated[float, Field(ge=0.0, lt=1.0)]
    blocks: dict[str, float] = Field(default_factory=dict)
    method: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_the_sum_of_its_blocks(self) -> Self:
        total = sum(self.blocks.values())
        if self.blocks and abs(total - self.expected_return) > _BLOCK_TOLERANCE:
            raise ValueError(f"blocks: sum to {total:.4f}, expected_return is {self.expected_return}; correct either")
        return self


class CurrencyAssumption(Origin):
    """The yearly change of one US dollar in yuan, a fraction: 0.01 means the dollar gains 1 %."""

    name: LocalText
    expected_change: Annotated[float, Field(gt=-0.5, lt=0.5)]
    volatility: Annotated[float, Field(ge=0.0, lt=1.0)]
    method: Annotated[str, Field(min_length=1)]


class Inflation(Origin):
    """Expected consumer-price inflation per year by currency, fractions."""

    USD: float
    CNY: float


class Correlations(Origin):
    """Correlations over `order` (asset classes, then usd_cny): row i holds columns 0 to i."""

    order: list[str]
    rows: list[list[Annotated[float, Field(ge=-1.0, le=1.0)]]]
    method: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_a_correlation_matrix(self) -> Self:
        if [len(row) for row in self.rows] != list(range(1, len(self.order) + 1)):
            raise ValueError("rows: expected a lower triangle, row i with i + 1 numbers")
        matrix = self.matrix()
        if not np.allclose(np.diag(matrix), 1.0):
            raise ValueError("rows: the last number of each row is the correlation with itself, expected 1")
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < -_EIGENVALUE_TOLERANCE:
            raise ValueError(f"rows: not positive semidefinite, smallest eigenvalue {smallest:.2e}; repair the matrix")
        return self

    def matrix(self) -> NDArray[np.float64]:
        """Return the full symmetric matrix, (classes + 1, classes + 1)."""
        n = len(self.order)
        matrix = np.zeros((n, n))
        for i, row in enumerate(self.rows):
            matrix[i, : i + 1] = row
        return matrix + np.tril(matrix, -1).T


class AssumptionSet(Entry):
    """A dated set of capital-market assumptions.

    Expected returns are nominal and arithmetic, per year, each class in its own currency. Covariances
    follow as correlation times both volatilities. `usd_cny` turns a return in one currency into the other.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    label: Literal["ILLUSTRATIVE", "APPROVED"]
    as_of: date
    horizon_years: Annotated[int, Field(gt=0)]
    return_kind: Literal["ARITHMETIC"]
    price_basis: Literal["NOMINAL"]
    note: LocalText
    inflation: Inflation
    classes: dict[str, ClassAssumption]
    usd_cny: CurrencyAssumption
    correlations: Correlations

    @model_validator(mode="after")
    def _orders_every_class(self) -> Self:
        expected = [*self.classes, USD_CNY]
        if self.correlations.order != expected:
            raise ValueError(f"correlations.order: expected {expected}, in the order of classes")
        return self

    def volatilities(self) -> NDArray[np.float64]:
        """Return yearly volatilities over `correlations.order`, (classes + 1,)."""
        return np.array([*(c.volatility for c in self.classes.values()), self.usd_cny.volatility])

    def covariance(self) -> NDArray[np.float64]:
        """Return the yearly covariance over `correlations.order`, (classes + 1, classes + 1)."""
        sigma = self.volatilities()
        return self.correlations.matrix() * np.outer(sigma, sigma)

    def local_volatility(self, exposures: dict[str, float], specific_volatility: float) -> float:
        """Return the yearly volatility, in the classes' own currencies, of a product with these exposures."""
        x = np.array([exposures.get(name, 0.0) for name in self.correlations.order])
        return math.sqrt(max(float(x @ self.covariance() @ x), 0.0) + specific_volatility**2)
