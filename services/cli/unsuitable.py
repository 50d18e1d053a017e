"""A product that this client may not hold: which one, and what to ask for so that the rules must refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fiducia.advisor.v1 import client_pb2, product_pb2

from services.cli.format import client_class, risk_level

# Large enough that no rounding hides it.
_WISH = 0.2


@dataclass(frozen=True)
class Wish:
    """A product that the client insists on although it does not suit, and why it does not."""

    product: product_pb2.Product
    why: str


def unsuitable_wish(
    products: Sequence[product_pb2.Product], jurisdiction: str, profile: client_pb2.RiskProfile
) -> Wish | None:
    """Return the riskiest product above the client's class; where none is, one that may not be sold there.

    A client of the highest class may hold every level, so for that client only the second is left.
    """
    here = [product for product in products if jurisdiction in product.jurisdictions]
    above = [product for product in here if product.risk_level.level > profile.client_class]
    if above:
        product = max(above, key=lambda candidate: (candidate.risk_level.level, candidate.id))
        level, name = risk_level(product.risk_level.level), client_class(profile.client_class)
        return Wish(product, f"{product.id} has level {level}, the client's class is {name}")
    elsewhere = [product for product in products if jurisdiction not in product.jurisdictions]
    if not elsewhere:
        return None
    product = elsewhere[0]
    there = " and ".join(product.jurisdictions)
    reason = f"no product lies above class C5; {product.id} may be advised on in {there} only, the client is in "
    return Wish(product, reason + jurisdiction)


def insisting(situation: client_pb2.ClientSituation, product_id: str, reference: str) -> client_pb2.ClientSituation:
    """Return the same client, who now insists on a product."""
    changed = client_pb2.ClientSituation()
    changed.CopyFrom(situation)
    changed.reference = reference
    del changed.preferences.required_products[:]
    changed.preferences.required_products.add(product_id=product_id, min_weight=_WISH)
    return changed
