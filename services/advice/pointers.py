"""Pointers in text: {{f:<fact id>}}, {{p:<product id>}}, {{c:<handle>}}."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from services.advice.brief import Brief

Kind = Literal["f", "p", "c"]

POINTER = re.compile(r"\{\{([fpc]):([A-Za-z0-9_.\-]+)\}\}")


@dataclass(frozen=True)
class Pointer:
    """One pointer and where it stands in the text."""

    kind: Kind
    id: str
    start: int
    end: int

    @property
    def written(self) -> str:
        """The pointer as it is written."""
        return f"{{{{{self.kind}:{self.id}}}}}"


def pointers_of(text: str) -> list[Pointer]:
    """Return the well-formed pointers of a text, in order."""
    return [Pointer(m[1], m[2], m.start(), m.end()) for m in POINTER.finditer(text)]  # type: ignore[arg-type]


def without_pointers(text: str) -> str:
    """Return the text with every pointer blanked, so that positions stay what they were."""
    return POINTER.sub(lambda m: "\x00" * len(m[0]), text)


def is_known(pointer: Pointer, brief: Brief) -> bool:
    """Return whether the brief has what the pointer names."""
    if pointer.kind == "f":
        return pointer.id in brief.fact
    if pointer.kind == "p":
        return pointer.id in brief.product
    return pointer.id.isdecimal() and int(pointer.id) in brief.passage


def is_offered(text: str, brief: Brief) -> bool:
    """Return whether everything that the text points at exists in the brief."""
    return all(is_known(pointer, brief) for pointer in pointers_of(text))
