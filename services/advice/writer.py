"""The model as its callers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.advice.prompt import Prompt


class WriterUnavailable(Exception):
    """The model gave no usable answer: it does not answer, took too long, or stopped early; the message says which."""


@dataclass(frozen=True)
class ModelState:
    """Whether the model server answers now, and under which name the model is served."""

    name: str
    available: bool


class Writer(Protocol):
    """Writes text under a grammar."""

    async def write(self, prompt: Prompt, grammar: str, max_tokens: int) -> str:
        """Return the model's complete output; raises WriterUnavailable."""
        ...

    async def state(self) -> ModelState:
        """Return whether the model answers now; never raises."""
        ...
