"""What is wrong in a knowledge base: every problem with its file, field and what to do, in one error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

# A validator of ours starts with the field it is about: "classes: loadings sum to 0.5, expected ...".
_FIELD_FIRST = re.compile(r"^([A-Za-z0-9_.]+(?:, [A-Za-z0-9_.]+)*): (.+)$", re.DOTALL)
# The field by which the alternatives of a union tell themselves apart in kb/, as those of a risk level do.
_TAG_FIELD = "basis"
_LONGEST_VALUE = 60


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: the file (relative to the folder that holds kb), the field (dotted, may be empty), the reason."""

    file: str
    field: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.field, self.reason) if part)


class KnowledgeBaseError(Exception):
    """The knowledge base is refused; `problems` holds each reason once, sorted, and the message a line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def file_name(kb: Path, path: Path) -> str:
    """Return how a problem names a path below `kb`: from the folder of the knowledge base on, as in kb/sources.yaml."""
    return f"{kb.resolve().name}/{path.relative_to(kb).as_posix()}"


def problems_of(error: ValidationError, file: str, data: Any) -> list[Problem]:
    """Return what a model found wrong with `data`, the parsed content of `file`."""
    return [_problem(details, file, data) for details in error.errors(include_url=False)]


def _problem(details: Any, file: str, data: Any) -> Problem:
    field = ".".join(_path(details["loc"], data))
    reason = _reason(details)
    named = _FIELD_FIRST.match(reason) if details["type"] == "value_error" else None
    if named is None:
        return Problem(file, field, reason)
    fields = [f"{field}.{name}" if field else name for name in named[1].split(", ")]
    return Problem(file, ", ".join(fields), named[2])


def _path(location: tuple[str | int, ...], data: Any) -> list[str]:
    """Return the steps to a field as written in the file, without the tags that pydantic adds for a union."""
    steps: list[str] = []
    for step in location[:-1]:
        if _is_tag(step, data):
            continue
        data = data[step] if _holds(data, step) else None
        steps.append(str(step))
    return steps + [str(step) for step in location[-1:] if not _is_tag(step, data)]


def _holds(data: Any, step: str | int) -> bool:
    return step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))


def _is_tag(step: str | int, data: Any) -> bool:
    """Say whether a step is no key of the file: the tag of an alternative, or the mark of a faulty key."""
    return step == "[key]" or (isinstance(data, dict) and step not in data and data.get(_TAG_FIELD) == step)


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
