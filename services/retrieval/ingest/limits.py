"""How long a passage may be where several encoders embed it."""

from __future__ import annotations

from collections.abc import Sequence

from services.retrieval.chunk import TokenCounter

# Tokens of different encoders differ; what is compared is how much of its limit a text uses, in these parts.
_PARTS = 10_000


class Strictest:
    """Counts a text by the encoder that comes nearest to its limit with it; no encoder ever cuts a passage off.

    A count is the used share of that encoder's limit, in parts of ten thousand.
    """

    def __init__(self, counters: Sequence[TokenCounter]) -> None:
        """counters: at least one."""
        self._counters = counters

    @property
    def token_limit(self) -> int:
        """Return the count of a text that just fits."""
        return _PARTS

    def count_tokens(self, text: str) -> int:
        """Return the largest share of a limit that the text uses, rounded up."""
        return max(-(-counter.count_tokens(text) * _PARTS // counter.token_limit) for counter in self._counters)
