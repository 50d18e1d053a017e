"""Checks of message fields that note violations instead of stopping at the first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from fiducia.type.v1 import text_pb2
from google.type import date_pb2

from services.advice.brief import LocalText
from shared.errors import FieldViolation, InvalidRequest

# Pointer braces and control characters in a value would be read as markup later.
_UNFIT = re.compile(r"[{}\x00-\x1f\x7f]")


class Checks:
    """The violations found so far."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def expect(self, holds: bool, field: str, description: str) -> bool:
        """Note a violation unless the condition holds; return whether it does."""
        if not holds:
            self._found.append(FieldViolation(field, description))
        return holds

    def raise_if_any(self) -> None:
        """Raise InvalidRequest with everything noted."""
        if self._found:
            raise InvalidRequest(self._found)


def text_of(message: text_pb2.LocalText, path: str, checks: Checks) -> LocalText:
    """Return words whose English is there and which hold no braces or control characters."""
    checks.expect(bool(message.en.strip()), f"{path}.en", "empty, expected text")
    for language, words in (("en", message.en), ("zh", message.zh)):
        checks.expect(not _UNFIT.search(words), f"{path}.{language}", "has braces or control characters; remove them")
    return LocalText(message.en, message.zh)


def enum_of(kind: Any, value: int, prefix: str, path: str, checks: Checks) -> str:
    """Return the name of an enum's value without its prefix; unspecified and unknown numbers are violations."""
    known = value in kind.values() and value != 0
    if not checks.expect(known, path, f"{value}, expected one of {', '.join(kind.keys()[1:])}"):
        return ""
    return str(kind.Name(value)).removeprefix(prefix)


def all_known(kind: Any, values: Iterable[int], path: str, checks: Checks) -> None:
    """Note every number that the enum does not have."""
    for place, value in enumerate(values):
        checks.expect(value in kind.values(), f"{path}[{place}]", f"unknown value {value}")


def unique(keys: Sequence[str], path: str, name: str, checks: Checks) -> None:
    """Note every key that occurred before."""
    first: dict[str, int] = {}
    for place, key in enumerate(keys):
        before = first.setdefault(key, place)
        checks.expect(before == place, f"{path}[{place}].{name}", f'"{key[:60]}" again, first at {path}[{before}]')


def optional_date(message: Any, name: str, path: str, checks: Checks) -> date | None:
    """Return a date field, None where it is absent."""
    return date_of(getattr(message, name), path, checks) if message.HasField(name) else None


def date_of(message: date_pb2.Date, path: str, checks: Checks) -> date | None:
    """Return a whole day."""
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        checks.expect(False, path, f"{message.year}-{message.month}-{message.day} is no day; expected a whole date")
        return None
