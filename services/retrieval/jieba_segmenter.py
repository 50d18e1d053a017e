"""Chinese words by jieba's dictionary."""

from __future__ import annotations

import warnings
from collections.abc import Iterable


class JiebaSegmenter:
    """Cuts Chinese text by jieba's dictionary alone: a word is cut alike in a question and in a passage.

    The hidden Markov model for unknown words is left out: it cuts by context, so the same unknown word comes
    out differently in a question than in a passage.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # Where an old setuptools is installed, jieba's import asks for pkg_resources, which warns.
            warnings.simplefilter("ignore")
            import jieba

        self._tokenizer = jieba.Tokenizer()
        # The library's own start reads and writes a cache under a fixed name in the shared temporary folder,
        # which fails on read-only systems and trusts what another user put there.
        frequencies = self._tokenizer.gen_pfdict(self._tokenizer.get_dict_file())
        self._tokenizer.FREQ, self._tokenizer.total = frequencies
        self._tokenizer.initialized = True

    def __call__(self, text: str) -> Iterable[str]:
        """Return the words in order, long ones preceded by the shorter words they contain."""
        return self._tokenizer.cut_for_search(text, HMM=False)
