"""What counts as a quantity in plain text, and what does not."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.advice.numbers import find_quantities


def found(text: str, language: str = "") -> list[str]:
    return [quantity.text for quantity in find_quantities(text, language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it grew 5.2% in 2024", ["5.2%", "2024"]),
        ("US$1,234.50 and ¥300", ["1,234.50", "300"]),
        ("full-width １２３ and ５％", ["１２３", "５％"]),
        ("½ of it, Ⅳ times, ① first, ٣", ["½", "Ⅳ", "①", "٣"]),
        ("one third of this mix", ["one third"]),
        ("two-thirds and a quarter", ["two-thirds", "quarter"]),
        ("half the money doubled, twice, threefold", ["half", "doubled", "twice", "threefold"]),
        ("dozens of funds over a decade", ["dozens", "decade"]),
        ("twenty-five per cent", ["twenty-five per cent"]),
        ("a few basis points, fifty percent", ["basis points", "fifty percent"]),
        ("about nineteen in twenty", ["nineteen", "twenty"]),
        ("one year, one fund, one in ten", ["one", "one", "one", "ten"]),
        ("zero risk and a hundredfold gain", ["zero", "hundredfold"]),
        ("R3.5 and C55 and R31", ["3.5", "55", "31"]),
        ("a stray % sign", ["%"]),
    ],
)
def test_english_quantities_are_found(text: str, expected: list[str]) -> None:
    quantities = [word for quantity in found(text) for word in [quantity]]

    joined = " ".join(quantities).replace("-", " ")
    assert joined == " ".join(expected).replace("-", " ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("约三成资金", ["三成"]),
        ("收益翻倍", ["倍"]),
        ("翻一番，再翻两番", ["翻一番", "翻两番"]),
        ("一半是债券", ["一半"]),
        ("两倍于此", ["两倍"]),
        ("百分之三十五", ["百分之三十五"]),
        ("提高两个百分点", ["两个百分点"]),
        ("约五万元", ["五万"]),
        ("三分之一", ["三", "一"]),
        ("持有一年，等待一个月", ["一", "一"]),
        ("二〇二六年", ["二〇二六"]),
        ("打八折，几十只基金", ["八折", "几十"]),
        ("第三年、第一季度", ["三", "一"]),
        ("半年和半数", ["半", "半数"]),
    ],
)
def test_chinese_quantities_are_found(text: str, expected: list[str]) -> None:
    quantities = found(text)

    assert "".join(quantities) == "".join(expected)


@pytest.mark.parametrize(
    "text",
    [
        "no one knows, and one of the reasons is that one may sell",
        "first sell, then look at the second reason and a third party",
        "a class C3 client may hold R1, R2 and R3.",
        "the same once more, both of them, a single fund",
        "on behalf of the client, who often listens",
        "quarterly and annual reports",
        "一般来说，二者一致，统一管理，唯一的一种方法",
        "第一，一些基金；第二，一定时期；之一、另一方面、进一步",
        "成本、组成、成为、完成，几乎，十分重要，半导体，零售",
        "一个组合和一项费用，以百分比列示",
        "属于C2类，产品为R2。",
    ],
)
def test_words_that_only_look_like_numbers_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_fraction_of_ten_is_no_adverb() -> None:
    assert "十" in "".join(found("十分之一"))


@given(st.text(max_size=40), st.characters(categories=["Nd", "Nl", "No"]), st.text(max_size=40))
def test_every_number_character_is_found_wherever_it_stands(before: str, digit: str, after: str) -> None:
    text = f"{before} {digit} {after}"

    quantities = find_quantities(text)

    place = len(before) + 1
    assert any(quantity.start <= place < quantity.end for quantity in quantities)


@given(st.text(max_size=80))
def test_spans_are_ordered_apart_and_true(text: str) -> None:
    quantities = find_quantities(text)

    assert all(text[quantity.start : quantity.end] == quantity.text for quantity in quantities)
    assert all(a.end < b.start for a, b in pairwise(quantities))


def test_a_language_narrows_the_words_but_never_the_digits() -> None:
    text = "half 三成 7"

    assert found(text, "en") == ["half", "7"]
    assert found(text, "zh") == ["三成", "7"]


def test_number_characters_are_the_unicode_categories() -> None:
    assert {unicodedata.category(c) for c in "7Ⅳ½〇"} == {"Nd", "Nl", "No"}
