from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.retrieval.split import split_to_fit


def pieces(text: str, longest: int, blocks: tuple[int, ...] = ()) -> list[str]:
    spans = split_to_fit(text, 0, len(text), lambda start, end: end - start <= longest, blocks)
    return [text[start:end] for start, end in spans]


def test_a_text_that_fits_stays_whole_without_the_space_around_it() -> None:
    assert pieces("  one. two. \n", 20) == ["one. two."]


def test_paragraphs_are_preferred_to_sentences() -> None:
    text = "One. Two.\n\nThree."

    assert pieces(text, 12, blocks=(0, 11)) == ["One. Two.", "Three."]


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("One is. Two is! Three is?", 15, ["One is. Two is!", "Three is?"]),
        ("一是。二是！三是？", 6, ["一是。二是！", "三是？"]),
        ("alpha, beta, gamma", 12, ["alpha, beta,", "gamma"]),
        ("alpha beta gamma", 11, ["alpha beta", "gamma"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("债券价格随利率上升而下跌", 5, ["债券价格随", "利率上升而", "下跌"]),
    ],
)
def test_a_long_text_is_cut_at_the_best_border_there_is(text: str, longest: int, expected: list[str]) -> None:
    assert pieces(text, longest) == expected


def test_a_character_that_does_not_fit_is_kept() -> None:
    assert pieces("ab", 0) == ["a", "b"]


@settings(deadline=None)
@given(st.text(st.sampled_from("ab。. \n，,é漢"), max_size=80), st.integers(1, 20))
def test_pieces_fit_and_no_character_is_lost(text: str, longest: int) -> None:
    found = pieces(text, longest)

    assert all(len(piece) <= longest and piece == piece.strip() and piece for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())
