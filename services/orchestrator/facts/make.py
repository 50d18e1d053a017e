"""Building facts: each kind of value with its rendering, and each kind of root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from services.orchestrator.case import Case
from services.orchestrator.facts.fact import Basis, Fact, FactSource, Quantity, Subject, Unit
from services.orchestrator.money import Money
from services.orchestrator.numbers import day_text, money_text, quantity_text
from services.orchestrator.portfolio import Certificate
from services.orchestrator.text import Text
from shared.assumptions import Origin

# Fees of index funds differ in the second decimal of a percent.
FEE_DECIMALS = 2


@dataclass(frozen=True)
class About:
    """What a fact says before its value: identifier, subject, label, basis and source."""

    id: str
    subject: Subject
    label: Text
    basis: Basis
    source: FactSource
    as_of: date | None = None
    net_of_fees: bool | None = None

    def quantity(self, value: float, unit: Unit, decimals: int = 1) -> Fact:
        """Return the fact that is a number with a unit."""
        number = Quantity(float(value), unit)
        return self._fact(number, quantity_text(number, decimals))

    def percent(self, fraction: float, decimals: int = 1) -> Fact:
        """Return the fact that is a share shown in per cent."""
        return self.quantity(fraction, "PERCENT", decimals)

    def money(self, sum_: Money) -> Fact:
        """Return the fact that is a sum of money."""
        return self._fact(sum_, money_text(sum_))

    def day(self, value: date) -> Fact:
        """Return the fact that is a day."""
        return self._fact(value, day_text(value))

    def words(self, value: str, rendered: Text) -> Fact:
        """Return the fact that is a word, such as a class name."""
        return self._fact(value, rendered)

    def _fact(self, value: Quantity | Money | date | str, rendered: Text) -> Fact:
        return Fact(
            id=self.id,
            subject=self.subject,
            label=self.label,
            value=value,
            rendered=rendered,
            basis=self.basis,
            source=self.source,
            as_of=self.as_of,
            net_of_fees=self.net_of_fees,
        )


@dataclass(frozen=True)
class Roots:
    """Where the values of one proposal are made."""

    case: Case
    certificate: Certificate | None = None
    market_snapshot: str = ""

    def solver(self, *derived_from: str) -> FactSource:
        """Return the optimizer's solution, which its own residuals verify."""
        certificate = self.certificate
        name = f"{certificate.solver} {certificate.solver_version}" if certificate else ""
        return FactSource("SOLVER", name, self.market_snapshot, verified=True, derived_from=derived_from)

    def assumption(self, origin: Origin) -> FactSource:
        """Return the set of capital-market assumptions."""
        catalogue = self.case.catalogue
        return FactSource("ASSUMPTION", catalogue.assumptions.id, catalogue.digest, origin.verified)

    def knowledge(self, origin: Origin) -> FactSource:
        """Return an entry of the knowledge base, by the key of its source."""
        return FactSource("KNOWLEDGE_BASE", origin.source, self.case.catalogue.digest, origin.verified)

    def client(self) -> FactSource:
        """Return the client's own statement, which stands as it was made."""
        return FactSource("CLIENT", "situation", verified=True)

    def rule(self, rule_id: str, *derived_from: str) -> FactSource:
        """Return a rule of the client's rule pack."""
        pack = self.case.pack
        rule = pack.rule(rule_id)
        reference = f"{pack.id} {pack.version} {rule_id}"
        return FactSource("RULE", reference, self.case.catalogue.digest, bool(rule and rule.verified), derived_from)


def derived(formula: str, facts: Iterable[Fact]) -> FactSource:
    """Return arithmetic over other facts; it is as verified as they are."""
    inputs = tuple(facts)
    verified = all(fact.source.verified for fact in inputs)
    return FactSource("DERIVED", formula, verified=verified, derived_from=tuple(fact.id for fact in inputs))


def rendered_as(fact: Fact, rendered: Text) -> Fact:
    """Return a fact with other words for the same value."""
    return replace(fact, rendered=rendered)
