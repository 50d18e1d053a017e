"""Whether a question repeats the words of its passage."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from services.retrieval.language import HAN

# A question that shares so many consecutive words with its passage tests the reader's memory and no search.
LONGEST_RUN = 3
_RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")

Segment = Callable[[str], Iterable[str]]


def words_in_order(text: str, cut: Segment) -> list[str]:
    """Return the words, those of Chinese text by a segmenter that does not repeat any."""
    runs = _RUN.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word for run in runs for word in (cut(run) if re.match(f"[{HAN}]", run) else (run,))]


def longest_shared_run(question: str, passage: str, cut: Segment) -> int:
    """Return the largest number of consecutive words that both texts hold."""
    asked, written = words_in_order(question, cut), words_in_order(passage, cut)
    best = 0
    for length in range(1, len(asked) + 1):
        found = {tuple(written[start : start + length]) for start in range(len(written) - length + 1)}
        if not any(tuple(asked[start : start + length]) in found for start in range(len(asked) - length + 1)):
            break
        best = length
    return best
