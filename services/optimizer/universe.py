"""What the fields of a request may refer to."""

from __future__ import annotations

from dataclasses import dataclass

from services.optimizer.checks import Checks
from services.optimizer.problem import Product


@dataclass(frozen=True)
class AssetClasses:
    """The asset classes that a request may name; None where any name will do. snapshot: that they are of."""

    known: frozenset[str] | None
    snapshot: str

    @property
    def are_free(self) -> bool:
        """Whether any name will do."""
        return self.known is None

    def check(self, field: str, name: str, checks: Checks) -> None:
        """Note a name that is not an asset class."""
        if self.known is not None:
            checks.one_of(field, name, self.known, f"an asset class of market snapshot {self.snapshot[:12]}")


@dataclass(frozen=True, eq=False)
class Universe:
    """The products and asset classes that a request may name. content: what the products were read from."""

    content: bytes
    products: tuple[Product, ...]
    product_ids: tuple[str, ...]
    known_ids: frozenset[str]
    classes: AssetClasses
    has_own_covariance: bool
