from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.retrieval.formats.charset import decoded
from services.retrieval.formats.extract import Unreadable
from services.retrieval.formats.plain import as_words, one_line, table_of, tidied
from services.retrieval.formats.read import extract
from services.retrieval.sections import sections_of

CHINESE = "债券价格随市场利率上升而下跌，投资者应当注意风险。"


def refused(data: bytes, suffix: str, charset: str = "") -> str:
    with pytest.raises(Unreadable) as caught:
        extract(data, suffix, charset)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
def test_chinese_text_is_read_in_the_encodings_it_is_found_in(encoding: str) -> None:
    assert decoded(CHINESE.encode(encoding)) == CHINESE


def test_traditional_chinese_in_big5_is_detected() -> None:
    text = "債券價格隨利率上升而下跌，投資者應該注意風險。"

    assert decoded(text.encode("big5")) == text


def test_a_declared_encoding_decides_where_the_bytes_are_not_utf_8() -> None:
    assert decoded("费".encode("gbk"), "gb2312") == "费"
    assert decoded("费".encode(), "gb2312") == "费"


@pytest.mark.parametrize(
    ("data", "charset", "reason"),
    [
        (b"a\x00b", "", "holds zero bytes"),
        (bytes(range(1, 256)) * 20, "", "is neither UTF-8 nor"),
        (b"\xff\xfea", "", "is not the utf-16"),
        (CHINESE.encode("gbk"), "klingon", "declares the encoding 'klingon', which is unknown"),
        (CHINESE.encode("gbk")[:-1], "gbk", "is not the gb18030 that it says it is"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data: bytes, charset: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        decoded(data, charset)


def test_control_characters_are_dropped_and_line_ends_are_alike() -> None:
    assert tidied("\ufeffa\x07b\r\nc\rd\x0ce\x85f\ud800g\th") == "ab\nc\nd\ne\nfg\th"


def test_ligatures_and_radicals_become_the_letters_they_show() -> None:
    assert tidied("e\ufb00ect ⾦融，Ａ") == "effect 金融，Ａ"


def test_lines_are_joined_with_spaces_between_words_and_without_them_in_chinese() -> None:
    assert one_line(" two\nwords  and 基金\n费率， 很低 ") == "two words and 基金费率，很低"


@given(st.text(st.sampled_from("#-+*>`~<=_ \n1.a|费\\"), max_size=30))
def test_words_never_become_a_heading(text: str) -> None:
    shown = as_words(one_line(text))

    assert "".join(shown.split()) == "".join("".join(s.heading for s in sections_of(shown)).split()) + "".join(
        "".join(shown[s.start : s.end].split()) for s in sections_of(shown)
    )
    assert all(section.heading == "" for section in sections_of(shown))


def test_a_table_is_markdown_whatever_its_cells_hold() -> None:
    text = table_of([["Fund", "Fee"], ["a|b\nc", "0.1"], ["only"]])

    assert text == "| Fund | Fee |\n| --- | --- |\n| a\\|b c | 0.1 |\n| only |  |"


def test_each_row_of_a_csv_file_is_a_section_with_the_names_of_its_columns() -> None:
    data = "基金代码,名称,费率,备注\n510300,沪深300ETF,0.5%,\n\n511220,城投债ETF,,新\n".encode("gb18030")

    found = extract(data, ".csv").text

    assert found == (
        "## 510300 沪深300ETF\n\n- 基金代码: 510300\n- 名称: 沪深300ETF\n- 费率: 0.5%\n\n"
        "## 511220 城投债ETF\n\n- 基金代码: 511220\n- 名称: 城投债ETF\n- 备注: 新"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_csv_file_may_be_separated_by_other_signs(separator: str) -> None:
    data = f"Ticker{separator}Expense ratio\nVTI{separator}0.03%\n".encode()

    assert extract(data, ".csv").text == "## VTI\n\n- Ticker: VTI\n- Expense ratio: 0.03%"


def test_the_line_in_which_a_spreadsheet_notes_the_separator_is_no_header() -> None:
    assert extract(b"sep=;\r\nname;fee\r\nVTI;1\r\n", ".csv").text == "## VTI\n\n- name: VTI\n- fee: 1"


def test_a_cell_of_a_csv_file_may_hold_the_separator_and_lines() -> None:
    data = b'Name,Note\n"Fund, first","one\ntwo"\n'

    assert extract(data, ".csv").text == "## Fund, first\n\n- Name: Fund, first\n- Note: one two"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ticker,fee\n", "holds no rows below a header"),
        (b"colour,fee\nred,1\n", "no column names the product; call one of them product_id, ticker"),
        (b"ticker,fee,fee\nVTI,1,2\n", "its header repeats or lacks the name of a column ['fee']"),
        (b"ticker,,fee\nVTI,1,2\n", "its header repeats or lacks the name of a column"),
        (b"ticker,fee\nVTI,1\nQQQ,1,000\n", "row 3 holds 3 cells, the header 2"),
        (b'ticker,fee\n"VTI,1\n', "cannot be read as CSV"),
        (b"ticker,fee\nVTI," + b"x" * 200_000, "cannot be read as CSV: field larger than field limit"),
        (b"", "holds no rows"),
    ],
)
def test_a_csv_file_that_is_no_table_of_products_is_refused(data: bytes, reason: str) -> None:
    assert reason in refused(data, ".csv")


def test_an_empty_file_is_refused() -> None:
    assert refused(b" \n\t", ".md") == "holds no text; remove it or write it"
