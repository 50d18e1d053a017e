"""What turns texts into vectors, and what is known of it before its weights are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class TextTooLong(ValueError):
    """A text exceeds the encoder's token limit; embedding it would drop its end in silence."""


class ModelMissing(Exception):
    """An encoder cannot be found or loaded; the message says what to do."""


class Encoder(Protocol):
    """A loaded model; safe to call from several threads.

    Vectors are float32 of length one. A text beyond the limit raises TextTooLong. A text's vector is the same in any
    company, up to 1e-6.
    """

    @property
    def name(self) -> str:
        """Return the name that is shown and recorded: never a path."""

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hexadecimal, of all that decides a vector: files, runtime, number format."""

    @property
    def dimension(self) -> int:
        """Return the length of a vector."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages, of "en" and "zh", in which it may embed documents."""

    @property
    def token_limit(self) -> int:
        """Return the largest number of tokens that is embedded whole."""

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, special ones and prompts with it."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of questions, (texts, dimension)."""

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of passages, (texts, dimension)."""


@dataclass(frozen=True)
class FoundEncoder:
    """An encoder on this machine whose weights are not loaded yet; the fields mean what they mean in `Encoder`.

    open: loads it, which takes from half a second to many. Raises ModelMissing.
    """

    name: str
    digest: str
    languages: tuple[str, ...]
    open: Callable[[], Encoder]
