from __future__ import annotations

import pytest

from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.read import extract


def page(html: str) -> Extract:
    return extract(html.encode(), ".html")


def test_headings_lists_and_tables_become_markdown() -> None:
    found = page(
        "<h1>Fund</h1><p>Holds <b>many</b> <a href='x'>shares</a>.</p><ul><li>one<ul><li>inner</ul><li>two</ul>"
        "<table><tr><th>Name<th>Fee<tr><td>A|B<td>0.1<br>%</table><h2>Risks</h2><p>Shares fall."
    )

    assert found.text == (
        "# Fund\n\nHolds many shares.\n\n- one\n  - inner\n- two\n\n"
        "| Name | Fee |\n| --- | --- |\n| A\\|B | 0.1 % |\n\n## Risks\n\nShares fall."
    )


def test_the_first_row_of_a_table_without_a_header_is_its_header() -> None:
    found = page("<table><tr><td>Name</td><td>Fee</td></tr><tr><td>VTI</td><td>0.03</td></tr></table>")

    assert found.text == "| Name | Fee |\n| --- | --- |\n| VTI | 0.03 |"


def test_a_cell_that_spans_rows_stands_in_each_of_them() -> None:
    found = page(
        "<table><tr><th>Fund<th>Share<th>Fee<tr><td rowspan=2>F<td>A<td>1%<tr><td>C<td rowspan=9>2%<tr><td>G<td>B"
        "</table>"
    )

    assert found.text == ("| Fund | Share | Fee |\n| --- | --- | --- |\n| F | A | 1% |\n| F | C | 2% |\n| G | B | 2% |")


def test_a_table_around_tables_is_layout() -> None:
    found = page("<table><tr><td><p>Left</p><td><table><tr><th>Name<th>Fee<tr><td>V<td>1</table></table>")

    assert found.text == "Left\n\n| Name | Fee |\n| --- | --- |\n| V | 1 |"


def test_a_line_end_in_a_paragraph_is_a_space_and_none_in_chinese() -> None:
    assert page("<p>Bonds\n  fall when利率\n上升，\n债券").text == "Bonds fall when利率上升，债券"


def test_scripts_styles_and_navigation_are_left_out() -> None:
    found = page("<nav>Home</nav><script>x()</script><style>p{}</style><div role=search>Find</div><p>Words.</p>")

    assert found.text == "Words."


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        "<p style='display: none'>secret</p>",
        "<div style='color:red;visibility:hidden'><b>secret</b></div>",
        "<span style='font-size:0px'>secret</span>",
        "<p style='position:absolute;left:-9999px'>secret</p>",
        "<!-- secret -->",
        "<img alt='secret' src=x>",
        "<meta name=description content=secret>",
    ],
)
def test_what_a_reader_does_not_see_is_kept_apart(hidden: str) -> None:
    found = page(f"<p>Words.</p>{hidden}")

    assert found.text == "Words."
    assert "secret" in found.unseen


def test_what_a_reader_may_open_is_text() -> None:
    found = page("<details><summary>Fees</summary><p>Low.</p></details><footer>Past performance.</footer>")

    assert found.text == "Fees\n\nLow.\n\nPast performance."


def test_a_raised_digit_is_not_run_together_with_a_number() -> None:
    assert page("<p>10<sup>2</sup> per cent").text == "10^2^ per cent"


def test_words_that_look_like_markdown_stay_words() -> None:
    found = page("<p># one</p><p>- two</p><p>=====</p>")

    assert found.text == "\\# one\n\n\\- two\n\n\\====="


def test_the_head_of_a_page_names_title_and_issuer() -> None:
    found = page("<title>T | Site</title><meta property='og:title' content='Fund'><meta name=author content=Us><p>x")

    assert (found.title, found.issuer) == ("Fund", "Us")
    assert page("<title> A\n title </title><p>x").title == "A title"


def test_a_page_may_declare_its_encoding() -> None:
    html = "<html><head><meta charset=gb2312></head><p>债券价格下跌</p>".encode("gbk")

    assert extract(html, ".html").text == "债券价格下跌"


@pytest.mark.parametrize("html", ["<div>" * 250 + "deep", "<b>" * 5000 + "deep"])
def test_a_page_nested_without_end_is_refused(html: str) -> None:
    with pytest.raises(Unreadable, match="more than 200 deep"):
        page(html)


def test_a_page_without_words_is_refused() -> None:
    with pytest.raises(Unreadable, match="holds no text"):
        page("<script>x</script><img src=a>")
