from __future__ import annotations

import pytest

from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.language import language_of
from services.retrieval.words import stem, words_of
from tests.unit.retrieval.samples import by_character


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What are the Fees of VTI?", ["fee", "vti"]),
        ("VTI's fund's", ["vti", "fund"]),
        ("510300.SH", ["510300", "sh"]),
        ("５１０３００", ["510300"]),
        ("300ETF level R3", ["300", "etf", "level", "r3"]),
        ("S&P 500", ["s", "p", "500"]),
        ("费率 ETF", ["费", "率", "etf"]),
        ("費率ＥＴＦ", ["费", "率", "etf"]),
    ],
)
def test_words_are_lower_case_stems_without_stop_words(text: str, expected: list[str]) -> None:
    assert words_of(text, by_character) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("bond", "bonds"),
        ("policy", "policies"),
        ("tax", "taxes", "taxed"),
        ("hedge", "hedges", "hedged", "hedging"),
        ("redeem", "redeeming", "redeemed"),
    ],
)
def test_the_forms_of_a_word_are_one_word(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["gas", "fund", "vti", "r3"])
def test_what_is_no_form_of_another_word_stays(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("traditional", "simple"),
    [
        ("貨幣基金的費率", "货币基金的费率"),
        ("債券價格隨利率上升而下跌嗎？", "债券价格随利率上升而下跌吗？"),
        ("滬深３００ＥＴＦ", "沪深300ETF"),
    ],
)
def test_traditional_and_full_width_text_has_the_words_of_the_plain_one(traditional: str, simple: str) -> None:
    segment = JiebaSegmenter()

    assert words_of(traditional, segment) == words_of(simple, segment)


def test_jieba_finds_the_words_inside_a_long_word() -> None:
    segment = JiebaSegmenter()

    words = words_of("货币基金的费率", segment)

    assert words == ["货币", "基金", "货币基金", "费率"]


def test_jieba_leaves_nothing_in_the_temporary_folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile
    from pathlib import Path

    folder = Path(str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    list(JiebaSegmenter()("沪深两市"))

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is duration?", "en"),
        ("久期是什么？", "zh"),
        ("VTI 是什么", "zh"),
        ("What is the 沪深300 index about?", "en"),
        ("510300", "en"),
        ("?", "en"),
    ],
)
def test_the_language_follows_from_the_characters(question: str, language: str) -> None:
    assert language_of(question) == language
