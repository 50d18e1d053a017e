"""What must hold of a text before it is delivered; each finding is a reason in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.advice.brief import Brief
from services.advice.lexicon import PRAISE, promises
from services.advice.numbers import find_quantities
from services.advice.pointers import is_known, pointers_of, without_pointers
from services.advice.render import Binding

# A text below these lengths says nothing; the shortest phrase has 20 characters in Chinese.
MIN_CHARACTERS = {"en": 25, "zh": 8}
_SIGN_BEFORE_VALUE = re.compile(r"(?:[-−–+±~≈<>]|\bminus|\bplus|\bnegative|[负正])\s*\{\{f:")


def problems(text: str, brief: Brief) -> list[str]:
    """Return why a pointer text may not be delivered; empty if it may."""
    words = without_pointers(text)
    plain = words.replace("\x00", "")
    found = [f"unknown pointer {pointer.written}" for pointer in pointers_of(text) if not is_known(pointer, brief)]
    if "{{" in words or "}}" in words:
        found.append("malformed pointer")
    if _SIGN_BEFORE_VALUE.search(text):
        found.append("a sign stands before a value")
    found += [f"number outside a fact: {quantity.text}" for quantity in find_quantities(words)]
    found += [f"promise: {word}" for word in promises(words, denials_allowed=True)]
    found += [f"praise: {match[0]}" for match in PRAISE.finditer(words)]
    if len(plain.strip()) < MIN_CHARACTERS[brief.language]:
        found.append("too short")
    return found


def delivered_problems(text: str, bindings: Sequence[Binding]) -> list[str]:
    """Return why a rendered text may not be delivered: a quantity outside every binding, or a binding that is off."""
    masked = list(text)
    found = []
    for binding in bindings:
        if not 0 <= binding.start < binding.end <= len(text):
            found.append(f"binding outside the text: {binding.start} to {binding.end}")
            continue
        masked[binding.start : binding.end] = "\x00" * (binding.end - binding.start)
    left = "".join(masked)
    return found + [f"number outside a binding: {quantity.text}" for quantity in find_quantities(left)]
