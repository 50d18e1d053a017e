from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.retrieval.chunk import passages_of
from services.retrieval.filters import FilterTable, PassageFilter
from services.retrieval.passage import Document, TrustLevel
from tests.unit.retrieval.samples import CSI300, GUIDE, VTI, CountingEmbedder

TODAY = date(2026, 11, 22)
DOCUMENTS = (GUIDE, VTI, CSI300)


def matching(wanted: PassageFilter, as_of: date = TODAY, documents: tuple[Document, ...] = DOCUMENTS) -> set[str]:
    passages = [passage for document in documents for passage in passages_of(document, CountingEmbedder())]
    return {passages[number].document.id for number in FilterTable(passages).eligible(wanted, as_of)}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (PassageFilter(), {GUIDE.id, VTI.id, CSI300.id}),
        (PassageFilter(asset_classes=frozenset({"us_large_equity"})), {GUIDE.id, VTI.id}),
        (PassageFilter(asset_classes=frozenset({"gold"})), {GUIDE.id}),
        (PassageFilter(risk_levels=frozenset({"R4"})), {GUIDE.id, CSI300.id}),
        (PassageFilter(jurisdictions=frozenset({"CN"})), {GUIDE.id, CSI300.id}),
        (PassageFilter(languages=frozenset({"en"})), {GUIDE.id, VTI.id}),
        (PassageFilter(kinds=frozenset({"FACTSHEET"})), {VTI.id, CSI300.id}),
        (PassageFilter(product_ids=frozenset({"VTI", "510300"})), {VTI.id, CSI300.id}),
        (PassageFilter(product_ids=frozenset({"NONE"})), set()),
        (PassageFilter(risk_levels=frozenset({"R3"}), languages=frozenset({"zh"})), set()),
    ],
)
def test_a_filter_lets_through_what_matches_all_its_lists(wanted: PassageFilter, expected: set[str]) -> None:
    assert matching(wanted) == expected


@pytest.mark.parametrize(
    ("as_of", "is_found"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2027, 12, 30), True),
        (date(2027, 12, 31), False),
    ],
)
def test_a_document_is_in_force_from_its_first_day_until_the_day_before_it_expires(as_of: date, is_found: bool) -> None:
    dated = replace(GUIDE, effective=date(2026, 11, 1), expires=date(2027, 12, 31))

    assert bool(matching(PassageFilter(), as_of, (dated,))) is is_found


def test_a_quarantined_document_is_never_returned() -> None:
    withdrawn = replace(VTI, trust=TrustLevel.QUARANTINED)

    assert matching(PassageFilter(product_ids=frozenset({"VTI"})), documents=(GUIDE, withdrawn)) == set()


@settings(deadline=None)
@given(st.sets(st.sampled_from(["R1", "R3", "R4"])), st.sets(st.sampled_from(["en", "zh"])))
def test_a_further_restriction_never_adds_a_passage(levels: set[str], languages: set[str]) -> None:
    loose = PassageFilter(risk_levels=frozenset(levels))
    tight = replace(loose, languages=frozenset(languages))

    assert matching(tight) <= matching(loose)


@given(
    asked=st.lists(
        st.tuples(
            st.frozensets(st.sampled_from(["en", "zh"])),
            st.integers(0, 2),
            st.frozensets(st.sampled_from([GUIDE.id, VTI.id])),
        ),
        max_size=12,
    )
)
def test_kept_answers_are_those_of_a_new_table(
    asked: list[tuple[frozenset[str], int, frozenset[str]]],
) -> None:
    dated = replace(VTI, effective=TODAY + timedelta(days=1))
    passages = [passage for one in (GUIDE, dated, CSI300) for passage in passages_of(one, CountingEmbedder())]
    table = FilterTable(passages)

    for languages, days, withdrawn in asked:
        wanted, day = PassageFilter(languages=languages), TODAY + timedelta(days=days)
        kept = table.eligible_by_language(wanted, day, withdrawn)

        fresh = table.by_language(table.eligible(wanted, day, withdrawn))
        assert {language: part.tolist() for language, part in kept.items()} == {
            language: part.tolist() for language, part in fresh.items()
        }


def test_a_kept_answer_cannot_be_changed_by_who_asked() -> None:
    table = FilterTable(list(passages_of(GUIDE, CountingEmbedder())))

    (numbers,) = table.eligible_by_language(PassageFilter(), TODAY).values()

    with pytest.raises(ValueError, match="read-only"):
        np.add(numbers, 1, out=numbers)
