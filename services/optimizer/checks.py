"""Collects what is wrong with a message, field by field, so that a caller learns of every fault at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence

from shared.errors import FieldViolation, InvalidRequest

_LONGEST_ID = 100
# Whoever sends more has another kind of trouble; a caller is told of the first 20 anyway.
_MOST_NOTED = 1_000

# The field of an entry of a list, by its position: worked out only where there is something to say of it.
FieldOf = Callable[[int], str]


class Checks:
    """Notes violations under their full field path and raises them together."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def refuse(self, field: str, description: str) -> None:
        """Note a violation. Raises InvalidRequest where there are too many to go on."""
        self._violations.append(FieldViolation(field, description))
        if len(self._violations) >= _MOST_NOTED:
            self.raise_any()

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """What was noted, in order."""
        return tuple(self._violations)

    @property
    def count_noted(self) -> int:
        """How many violations were noted."""
        return len(self._violations)

    def raise_any(self) -> None:
        """Raise InvalidRequest where anything was noted."""
        if self._violations:
            raise InvalidRequest(self._violations)

    def number(self, field: str, value: float, low: float, high: float) -> float:
        """Return the value, noted if it is not a number from `low` to `high`."""
        if not math.isfinite(value) or not low <= value <= high:
            self.refuse(field, f"found {value:g}, expected a number from {low:g} to {high:g}")
        return value

    def positive(self, field: str, value: float, high: float) -> float:
        """Return the value, noted if it is not a number above zero and at most `high`."""
        if not math.isfinite(value) or not 0.0 < value <= high:
            self.refuse(field, f"found {value:g}, expected a number above 0 and at most {high:g}")
        return value

    def name(self, field: str, value: str) -> str:
        """Return the value, noted if it is empty, too long or holds what would break a field path."""
        if not value or len(value) > _LONGEST_ID or not value.isprintable() or "[" in value or "]" in value:
            self.refuse(
                field, f"found {value[:40]!r}, expected 1 to {_LONGEST_ID} printable characters without brackets"
            )
        return value

    def label(self, field: str, value: str) -> str:
        """Return the value, noted if it is too long or not printable; empty where nothing is said."""
        return self.name(field, value) if value else value

    def one_of(self, field: str, value: str, known: Iterable[str], what: str) -> str:
        """Return the value, noted if it is not among those known."""
        if value not in known:
            self.refuse(field, f"found {value[:40]!r}, expected {what}")
        return value

    def unique(self, field: str, value: str, seen: set[str]) -> None:
        """Note the value if it was seen before, and remember it."""
        if value in seen:
            self.refuse(field, f"{value[:40]!r} appears more than once; send it once")
        seen.add(value)

    def numbers(self, field_of: FieldOf, values: Sequence[float], low: float, high: float) -> None:
        """Note each that is not a number from `low` to `high`."""
        if not all(low <= value <= high for value in values):
            for i, value in enumerate(values):
                self.number(field_of(i), value, low, high)

    def among(self, field_of: FieldOf, values: Sequence[str], known: Collection[str], what: str) -> None:
        """Note each that is not among those known, and each that was there before."""
        if not all(value in known for value in values):
            for i, value in enumerate(values):
                self.one_of(field_of(i), value, known, what)
        self.distinct(field_of, values)

    def distinct(self, field_of: FieldOf, values: Sequence[str]) -> None:
        """Note each that was there before."""
        if len(set(values)) < len(values):
            seen = set[str]()
            for i, value in enumerate(values):
                self.unique(field_of(i), value, seen)

    def count(self, field: str, found: int, low: int, high: int) -> None:
        """Note a list that is too short or too long."""
        if not low <= found <= high:
            self.refuse(field, f"found {found} entries, expected {low} to {high}")
