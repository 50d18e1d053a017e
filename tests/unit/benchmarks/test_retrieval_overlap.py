from __future__ import annotations

import pytest

from benchmarks.retrieval.overlap import longest_shared_run

PAIRS = [
    ("What does a fund cost?", "The cost of a fund", 2),
    ("keep three months of cash", "Keep THREE months of spending", 4),
    ("bonds", "shares", 0),
    ("", "shares", 0),
    ("ＶＴＩ fees", "vti: fees are low", 2),
]


@pytest.mark.parametrize(("question", "passage", "run"), PAIRS)
def test_the_longest_run_of_shared_words(question: str, passage: str, run: int) -> None:
    assert longest_shared_run(question, passage, lambda text: [text]) == run


def test_chinese_text_is_cut_into_words() -> None:
    def pairs(text: str) -> list[str]:
        return [text[start : start + 2] for start in range(0, len(text), 2)]

    assert longest_shared_run("应急资金留多少", "应急资金是什么", pairs) == 2
