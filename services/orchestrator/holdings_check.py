"""What must be true of stated holdings and sums of money."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from services.orchestrator.catalogue.load import Catalogue
from services.orchestrator.money import MINOR_UNIT, Money
from services.orchestrator.situation import ClientSituation, ExternalProduct, Holding
from shared.errors import FieldViolation

# Far above any client, far below where cents stop being exact in the contract's 64-bit units.
MAX_AMOUNT = Decimal(10) ** 13
# A name is one line of a table.
_NAME_LENGTH = 100
# The same bound as for products of the catalogue.
_MAX_EXPENSE_RATIO = 0.2


def holding_violations(situation: ClientSituation, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    """Yield everything that is wrong with the holdings, in their order."""
    seen: set[str] = set()
    for i, holding in enumerate(situation.holdings):
        field = f"{path}[{i}]"
        yield from _asset_violations(holding, catalogue, field)
        yield from _worth_violations(holding, situation.base_currency, field)
        yield from _repeated(holding, seen, field)


def money_violations(money: Money, currency: str, path: str) -> Iterator[FieldViolation]:
    """Yield what is wrong with a sum that is stated in whole cents of the base currency."""
    yield from _price_violations(money, currency, path)
    if money.amount.is_finite() and abs(money.amount) <= MAX_AMOUNT and money.amount % MINOR_UNIT:
        yield FieldViolation(path, f"found {money.amount}, expected whole cents or fen; round to two decimals")


def _price_violations(money: Money, currency: str, path: str) -> Iterator[FieldViolation]:
    if money.currency != currency:
        found = f'found "{money.currency}", expected the base currency {currency}'
        yield FieldViolation(path, f"{found}; convert the sum before sending")
    if not money.amount.is_finite() or abs(money.amount) > MAX_AMOUNT:
        yield FieldViolation(path, f"found {money.amount}, expected a sum up to {MAX_AMOUNT:,}; correct it")


def _asset_violations(holding: Holding, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    if holding.external is not None and holding.product_id:
        yield FieldViolation(path, "found both product_id and external, expected one of them; remove one")
    elif holding.external is not None:
        yield from _external_violations(holding.external, catalogue, f"{path}.external")
    elif not holding.product_id:
        yield FieldViolation(f"{path}.product_id", "not stated; give product_id, or external for an unlisted fund")
    elif holding.product_id not in catalogue.products:
        hint = "give it as external with price, asset_class and risk_level"
        yield FieldViolation(f"{path}.product_id", f'"{holding.product_id}" is not in the catalogue; {hint}')


def _external_violations(external: ExternalProduct, catalogue: Catalogue, path: str) -> Iterator[FieldViolation]:
    if not 0 < len(external.name) <= _NAME_LENGTH:
        found = f"{len(external.name)} characters"
        yield FieldViolation(f"{path}.name", f"found {found}, expected 1 to {_NAME_LENGTH}; name the fund")
    if external.name.upper() in catalogue.products:
        yield FieldViolation(f"{path}.name", f'"{external.name}" is in the catalogue; give it as product_id')
    classes = catalogue.assumptions.classes
    if external.asset_class not in classes:
        expected = f"expected one of {', '.join(classes)}"
        found = f'unknown asset class "{external.asset_class}"'
        yield FieldViolation(f"{path}.asset_class", f"{found}, {expected}; choose the class it behaves like")
    if external.risk_level is None:
        yield FieldViolation(f"{path}.risk_level", "not stated, expected R1 to R5; ask the issuer for the level")
    fee = external.expense_ratio
    if fee is not None and not 0.0 <= fee < _MAX_EXPENSE_RATIO:
        hint = "state 0.5 % as 0.005, or leave it out if unknown"
        yield FieldViolation(f"{path}.expense_ratio", f"found {fee:g}, expected 0 to {_MAX_EXPENSE_RATIO}; {hint}")


def _worth_violations(holding: Holding, currency: str, path: str) -> Iterator[FieldViolation]:
    by_units = holding.units is not None or holding.price is not None
    if by_units and holding.value is not None:
        yield FieldViolation(f"{path}.value", "found value beside units or price, expected one way; remove one")
    if not by_units and holding.value is None:
        yield FieldViolation(f"{path}.value", "not stated; give value, or units with a price")
    if holding.units is not None and holding.price is None and holding.value is None:
        yield FieldViolation(f"{path}.price", "units without a price; give the price of one unit, or value instead")
    if holding.price is not None and holding.units is None:
        yield FieldViolation(f"{path}.units", "a price without units; give the number of units, or value instead")
    yield from _amount_violations(holding, currency, path)


def _amount_violations(holding: Holding, currency: str, path: str) -> Iterator[FieldViolation]:
    if holding.units is not None:
        yield from _positive(holding.units, f"{path}.units")
        if holding.units.is_finite() and holding.units > MAX_AMOUNT:
            yield FieldViolation(f"{path}.units", f"found {holding.units}, expected at most {MAX_AMOUNT:,}; correct it")
    if holding.price is not None:
        yield from _price_violations(holding.price, currency, f"{path}.price")
        yield from _positive(holding.price.amount, f"{path}.price")
    if holding.value is not None:
        yield from money_violations(holding.value, currency, f"{path}.value")
        yield from _positive(holding.value.amount, f"{path}.value")
    yield from _product_violations(holding, path)


def _product_violations(holding: Holding, path: str) -> Iterator[FieldViolation]:
    """Yield what is wrong with units times price where each of them may be right on its own."""
    if holding.units is None or holding.price is None:
        return
    if not holding.units.is_finite() or not holding.price.amount.is_finite():
        return
    worth = holding.units * holding.price.amount
    if holding.units > 0 and holding.price.amount > 0 and not MINOR_UNIT <= worth <= MAX_AMOUNT:
        expected = f"expected {MINOR_UNIT} to {MAX_AMOUNT:,}"
        yield FieldViolation(f"{path}.units", f"units times price is {worth}, {expected}; correct one of them")


def _positive(amount: Decimal, path: str) -> Iterator[FieldViolation]:
    if amount.is_nan() or amount <= 0:
        yield FieldViolation(path, f"found {amount}, expected more than 0; correct it or leave the holding out")


def _repeated(holding: Holding, seen: set[str], path: str) -> Iterator[FieldViolation]:
    name = holding.external.name if holding.external is not None else holding.product_id
    if name and name in seen:
        yield FieldViolation(path, f'"{name}" is listed twice; add the two holdings up')
    seen.add(name)
