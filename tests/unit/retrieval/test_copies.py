from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.retrieval.copies import without_copies
from services.retrieval.passage import Document, Passage, TrustLevel
from tests.unit.retrieval.samples import GUIDE, VTI

TEXT = "Bond prices fall when yields rise, and the fall is larger the longer the duration of the bond is."


def passage(text: str, document: Document = GUIDE, number: int = 0) -> Passage:
    about = replace(document, id=f"{document.id}-{number}", text=text)
    return Passage(f"{about.id}#0-1", about, "", "", 0, len(text))


def kept(ranked: Sequence[Passage], count: int) -> list[int]:
    return without_copies(range(len(ranked)), ranked.__getitem__, count)


def test_near_copies_give_way_to_what_comes_after_them() -> None:
    ranked = [passage(TEXT), passage(TEXT.replace("larger", "deeper")), passage("Gold pays no interest.")]

    assert kept(ranked, 2) == [0, 2]


def test_what_two_products_say_alike_of_themselves_is_no_copy() -> None:
    other = replace(VTI, product_id="VOO")

    assert kept([passage(TEXT, VTI), passage(TEXT, other)], 2) == [0, 1]


def test_a_copy_does_not_displace_a_more_trusted_original() -> None:
    external = replace(GUIDE, trust=TrustLevel.EXTERNAL)

    assert kept([passage(TEXT, external), passage(TEXT)], 2) == [0, 1]
    assert kept([passage(TEXT), passage(TEXT, external)], 2) == [0]


def test_short_texts_are_compared_too() -> None:
    assert kept([passage("Gold"), passage("Gold"), passage("Cash")], 3) == [0, 2]


def test_copies_cost_the_others_no_place_however_many_they_are() -> None:
    ranked = [passage(TEXT, number=number) for number in range(300)] + [passage("Gold"), passage("Cash")]

    assert kept(ranked, 3) == [0, 300, 301]


def shingles(text: str) -> set[str]:
    words = " ".join(text.casefold().split())
    return {words[start : start + 5] for start in range(max(len(words) - 4, 1))}


# A text with a few stretches of it replaced, so that many pairs lie near the border.
@given(
    changes=st.lists(st.tuples(st.integers(0, 95), st.text(st.sampled_from("ab 债\ud800"), max_size=6)), max_size=3),
    whole=st.sampled_from([TEXT, TEXT * 3, TEXT[:7], "Gold"]),
)
def test_texts_are_copies_where_they_share_four_fifths_of_their_shingles(
    changes: list[tuple[int, str]], whole: str
) -> None:
    changed = whole
    for start, words in changes:
        changed = changed[:start] + words + changed[start + len(words) :]

    found = kept([passage(whole), passage(changed)], 2)

    one, other = shingles(whole), shingles(changed)
    lengths = sorted((len(whole), len(changed)))
    is_copy = len(one & other) >= 0.8 * len(one | other) and lengths[0] >= 0.8 * lengths[1]
    assert found == ([0] if is_copy else [0, 1])
