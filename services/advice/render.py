"""Pointers become text: values as rendered for the language, product names, marks of sources."""

from __future__ import annotations

from dataclasses import dataclass

from services.advice.brief import Brief
from services.advice.pointers import Kind, Pointer, pointers_of


@dataclass(frozen=True)
class Binding:
    """A stretch of delivered text, code points [start, end), and what stands there."""

    start: int
    end: int
    kind: Kind
    id: str


@dataclass(frozen=True)
class Rendered:
    """Text as delivered, with what each pointer became."""

    text: str
    bindings: tuple[Binding, ...]

    @property
    def handles(self) -> list[int]:
        """Handles of the sources, in the order of their first mark."""
        return list(dict.fromkeys(int(binding.id) for binding in self.bindings if binding.kind == "c"))


def render(pointer_text: str, brief: Brief) -> Rendered:
    """Return the text with every pointer filled in; each must be of this brief.

    Raises KeyError for a pointer that the brief does not have: verification comes first.
    """
    parts: list[str] = []
    bindings: list[Binding] = []
    length = read = 0
    for pointer in pointers_of(pointer_text):
        between = pointer_text[read : pointer.start]
        shown = _shown(pointer, brief)
        bindings.append(Binding(length + len(between), length + len(between) + len(shown), pointer.kind, pointer.id))
        parts += [between, shown]
        length += len(between) + len(shown)
        read = pointer.end
    return Rendered("".join([*parts, pointer_text[read:]]), tuple(bindings))


def _shown(pointer: Pointer, brief: Brief) -> str:
    if pointer.kind == "f":
        return brief.fact[pointer.id].rendered.of(brief.language)
    if pointer.kind == "p":
        return brief.product[pointer.id].name.of(brief.language)
    return f"[{brief.passage[int(pointer.id)].handle}]"
