"""One client's case: the situation, the catalogue it is judged by, and the risk profile that follows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.catalogue.rules import ClassLimits, RulePack
from services.orchestrator.catalogue.schema import RiskLevelName
from services.orchestrator.money import Money
from services.orchestrator.situation import ClientSituation
from services.orchestrator.suitability.score import RiskProfile


@dataclass(frozen=True)
class Case:
    """A checked situation with its profile; everything after scoring takes it as its first argument."""

    situation: ClientSituation
    catalogue: Catalogue
    profile: RiskProfile

    @property
    def pack(self) -> RulePack:
        """The suitability rules of the client's country."""
        return next(pack for key, pack in self.catalogue.packs.items() if key == self.situation.jurisdiction)

    @property
    def limits(self) -> ClassLimits:
        """What a client of this class may hold."""
        return self.pack.classes[self.profile.client_class]

    @property
    def max_level(self) -> RiskLevelName:
        """The highest risk level that this client may hold."""
        return self.limits.max_product_level

    @property
    def currency(self) -> str:
        """The currency in which the client counts."""
        return self.situation.base_currency

    def money(self, amount: Decimal) -> Money:
        """Return a sum in the client's currency."""
        return Money(self.currency, amount)
