from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.retrieval.sections import sections_of


def words_under(text: str) -> list[tuple[str, str]]:
    return [(section.heading, text[section.start : section.end].strip()) for section in sections_of(text)]


def test_a_section_is_what_stands_under_one_heading() -> None:
    text = "intro\n\n# One\nfirst\n\n## Deep *er*\nsecond\n\n# Two\nthird"

    found = words_under(text)

    assert found == [("", "intro"), ("One", "first"), ("One > Deep er", "second"), ("Two", "third")]


def test_an_underlined_heading_counts_and_a_sharp_in_code_or_a_quotation_does_not() -> None:
    text = "Title\n=====\n\n```\n# a comment\n```\n\n> # quoted\n"

    found = words_under(text)

    assert found == [("Title", "```\n# a comment\n```\n\n> # quoted")]


def test_a_heading_without_words_below_gives_no_section() -> None:
    found = words_under("# One\n\n## Two\nwords")

    assert found == [("One > Two", "words")]


def test_paragraphs_and_list_items_begin_blocks() -> None:
    text = "# One\nfirst\n\nsecond\n\n- item\n- item\n"

    (section,) = sections_of(text)

    assert [text[at:].split("\n")[0] for at in section.blocks] == ["first", "second", "- item", "- item"]


MARKDOWN = st.lists(
    st.sampled_from(
        ["# h", "## h ##", "words", "", "- item", "```", "> q", "t\n===", "| a |\n|---|\n| b |", "资产。", "\t"]
    )
    | st.text(max_size=12),
    max_size=12,
).flatmap(lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join(lines)))


@settings(deadline=None)
@given(MARKDOWN)
def test_sections_are_in_order_and_do_not_overlap(text: str) -> None:
    sections = sections_of(text)

    edges = [edge for section in sections for edge in (section.start, section.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), min_size=1, max_size=6))
def test_every_word_that_is_no_heading_is_in_a_section(words: list[str]) -> None:
    text = "\n\n".join(f"# h{number}\n{word}" for number, word in enumerate(words))

    found = words_under(text)

    assert [body for _, body in found] == words
