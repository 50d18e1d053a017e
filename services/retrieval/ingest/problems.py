"""What is wrong in a knowledge base: file, field and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

_LONGEST_VALUE = 60


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: the file, the field (dotted, may be empty), the reason."""

    file: str
    field: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.field, self.reason) if part)


class IngestRefused(Exception):
    """The knowledge base is refused; `problems` lists every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def problems_of(error: ValidationError, file: str) -> list[Problem]:
    """Return what a model found wrong with the content of a file."""
    return [
        Problem(file, ".".join(map(str, details["loc"])), _reason(details))
        for details in error.errors(include_url=False)
    ]


def _reason(details: Any) -> str:
    found = repr(details["input"])[:_LONGEST_VALUE]
    match details["type"]:
        case "missing":
            return "missing; add it"
        case "extra_forbidden":
            return "unknown field; remove it or correct its spelling"
        case "value_error":
            return str(details["ctx"]["error"])
        case "string_type":
            return f"found {found}, expected text; put it in quotes"
        case _:
            return f"found {found}; {str(details['msg'])[:1].lower()}{details['msg'][1:]}; correct it"
