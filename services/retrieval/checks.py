"""Checks of fields that come in; every wrong one is noted with its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from fiducia.retrieval.v1 import passage_pb2
from fiducia.type.v1 import risk_pb2
from google.type.date_pb2 import Date

from shared.errors import FieldViolation, InvalidRequest
from shared.snapshots import is_digest

_LONGEST_SHOWN = 64
# Characters that steer a terminal or turn the direction of writing, and no words.
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
JURISDICTIONS = ("US", "CN")
COLLECTION = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass
class Faults:
    """The wrong fields of a request, in the order found."""

    found: list[FieldViolation] = field(default_factory=list)

    def add(self, path: str, description: str) -> None:
        """Note a wrong field."""
        self.found.append(FieldViolation(path, description))

    def raise_any(self) -> None:
        """Raise InvalidRequest where a field was wrong."""
        if self.found:
            raise InvalidRequest(self.found)


def within(value: int, default: int, largest: int, path: str, faults: Faults) -> int:
    """Return a number of 1 to `largest`, or the default for 0."""
    if not 0 <= value <= largest:
        faults.add(path, f"found {value}, expected 1 to {largest}, or 0 for {default}")
    return value or default


def snapshot_id(value: str, path: str, faults: Faults) -> str:
    """Return the id of a snapshot, or "" for the active one."""
    if value and not is_digest(value):
        faults.add(path, "is not an id of 64 hexadecimal digits; list the index snapshots")
    return value


def named(value: str, longest: int, path: str, faults: Faults) -> str:
    """Return a text that is not empty and no longer than `longest` characters."""
    if not 1 <= len(value.strip()) <= longest:
        faults.add(path, f"found {len(value.strip())} characters, expected 1 to {longest}")
    return value.strip()


def texts(
    values: Sequence[str], path: str, is_valid: Callable[[str], bool], expected: str, faults: Faults
) -> frozenset[str]:
    """Return the values; those that are not valid are noted."""
    for number, value in enumerate(values):
        if not is_valid(value):
            faults.add(f"{path}[{number}]", f"found {value[:_LONGEST_SHOWN]!r}, expected {expected}")
    return frozenset(values)


def enum_names(
    values: Sequence[int],
    path: str,
    enum: type[risk_pb2.RiskLevel] | type[passage_pb2.DocumentKind] | type[passage_pb2.TrustLevel],
    prefix: str,
    faults: Faults,
) -> frozenset[str]:
    """Return the names, without their prefix, of values that an enum has, its zero excepted."""
    names: dict[int, str] = {number: name.removeprefix(prefix) for name, number in enum.items() if number}
    for index, value in enumerate(values):
        if value not in names:
            faults.add(f"{path}[{index}]", f"found {value}, expected one of {', '.join(names.values())}")
    return frozenset(names[value] for value in values if value in names)


def day(message: Date, path: str, faults: Faults) -> date:
    """Return the day of a message."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError as error:
        faults.add(path, f"found {message.year}-{message.month}-{message.day}, which is no day: {error}")
        return date.min
