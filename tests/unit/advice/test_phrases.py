"""The phrases themselves: the same frame in both languages, without numbers, promises and praise."""

from __future__ import annotations

import re

import pytest

from services.advice.brief import GOALS, LANGUAGES
from services.advice.lexicon import PRAISE, promises
from services.advice.numbers import find_quantities
from services.advice.phrasebook import NOTHING_ELSE, Phrase, phrasebook
from services.advice.pointers import without_pointers

ALL = [
    (language, kind, slot, phrase)
    for language in LANGUAGES
    for kind, segment in phrasebook(language).segments.items()
    for slot, phrases in segment.slots.items()
    for phrase in phrases
]


@pytest.mark.parametrize(("language", "kind", "slot", "phrase"), ALL)
def test_a_phrase_says_no_number_and_promises_nothing(language: str, kind: str, slot: str, phrase: Phrase) -> None:
    words = without_pointers(re.sub(r"\$[a-z_]+", "x", phrase.say))

    assert [quantity.text for quantity in find_quantities(words)] == []
    assert promises(words, denials_allowed=True) == []
    assert PRAISE.findall(words) == []


def test_both_languages_have_the_same_slots_under_the_same_conditions() -> None:
    def frame(wanted: str) -> list[tuple[str, str, list[str]]]:
        return [(kind, slot, sorted(phrase.needs)) for language, kind, slot, phrase in ALL if language == wanted]

    english, chinese = frame("en"), frame("zh")

    assert english == chinese


def test_each_condition_has_three_phrases() -> None:
    counts: dict[tuple[str, str, str, frozenset[str]], int] = {}
    for language, kind, slot, phrase in ALL:
        counts[language, kind, slot, phrase.needs] = counts.get((language, kind, slot, phrase.needs), 0) + 1

    thin = {
        key
        for key, count in counts.items()
        if count < 3 and key[1] != "DISCLOSURE" and NOTHING_ELSE not in key[3] and "enough_time" not in key[3]
    }

    assert thin == set()


def test_every_goal_of_the_contract_has_words() -> None:
    assert all(set(phrasebook(language).goals) == {"", *GOALS} for language in LANGUAGES)
