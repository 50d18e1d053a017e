"""A web page as Markdown: headings, lists and tables kept; scripts, navigation and hidden parts left out."""

from __future__ import annotations

import re
import warnings
from typing import Any

from bs4 import BeautifulSoup, Comment, Tag
from markdownify import ATX, MarkdownConverter

from services.retrieval.formats.charset import decoded
from services.retrieval.formats.extract import Extract, Unreadable
from services.retrieval.formats.html_tables import make_plain
from services.retrieval.formats.plain import WIDE, as_words, one_line, tidied

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARED_WITHIN = 4096
_NO_WORDS = (
    "script, style, nav, template, noscript, iframe, object, svg, canvas, select, button, input, textarea, head, "
    "[role=navigation], [role=search], [role=menu], [role=menubar]"
)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?:px|em|%)?\s*(?:;|!|$)"
    r"|(?:text-indent|left|top)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_TITLES = ("og:title", "dc.title", "dcterms.title")
_ISSUERS = ("dc.publisher", "dcterms.publisher", "publisher", "article:publisher", "og:site_name", "author")
# Emphasis and addresses are no words; a raised digit keeps its mark, since "10" and a raised "2" are not "102".
_MARKS = ["a", "abbr", "b", "cite", "code", "del", "em", "i", "img", "ins", "kbd", "s", "samp", "strong", "sub", "u"]
# The parser behind gives up, in silence, below a depth of 256.
_DEEPEST = 200
_LINE_END = re.compile(r"[ \t]*\n\s*")
_LINE_END_BETWEEN_WIDE = re.compile(rf"(?<=[{WIDE}])[ \t]*\n\s*(?=[{WIDE}])")
_BLANK_LINES = re.compile(r"\n{3,}")


def read_html(data: bytes, charset: str = "") -> Extract:
    """Return the page's text and what its head says. Raises Unreadable."""
    declared = _DECLARED.search(data, 0, _DECLARED_WITHIN)
    text = decoded(data, charset or (declared[1].decode() if declared else ""))
    return page_of(tidied(text))


def page_of(html: str) -> Extract:
    """Return the text of a page in HTML and what its head says. Raises Unreadable."""
    with warnings.catch_warnings():
        # About input that looks like a file name or XML: it is a page because its caller says so.
        warnings.simplefilter("ignore")
        soup = BeautifulSoup(html, "lxml")
    _check_depth(soup)
    meta = _meta(soup)
    title = next((meta[name] for name in _TITLES if meta.get(name)), soup.title.get_text() if soup.title else "")
    issuer = next((meta[name] for name in _ISSUERS if meta.get(name)), "")
    unseen = "\n".join((*meta.values(), *_take_hidden(soup)))
    make_plain(soup)
    return Extract(markdown_of(soup), title=one_line(title), issuer=one_line(issuer), unseen=tidied(unseen))


def markdown_of(soup: BeautifulSoup) -> str:
    """Return the Markdown of parsed HTML."""
    converter = _Converter(
        heading_style=ATX,
        bullets="-",
        strip=_MARKS,
        sup_symbol="^",
        table_infer_header=True,
        escape_asterisks=False,
        escape_underscores=False,
    )
    lines = (line.rstrip() for line in tidied(converter.convert_soup(soup)).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


class _Converter(MarkdownConverter):
    def _as_block(self, _: Tag, text: str, parent_tags: Any) -> str:
        words = text.strip()
        return f" {words} " if "_inline" in parent_tags else f"\n\n{words}\n\n"

    # Elements that stand by themselves and that the library runs together with what is beside them.
    convert_address = convert_aside = convert_details = convert_fieldset = convert_figure = convert_footer = _as_block
    convert_form = convert_header = convert_legend = convert_main = convert_summary = _as_block

    def escape(self, text: str, parent_tags: Any) -> str:
        # A line end in HTML is a space, or nothing between Chinese characters.
        words = _LINE_END.sub(" ", _LINE_END_BETWEEN_WIDE.sub("", text))
        in_cell = "td" in parent_tags or "th" in parent_tags
        return words.replace("|", "\\|") if in_cell else as_words(words)


def _check_depth(soup: BeautifulSoup) -> None:
    depths = {id(soup): 0}
    for tag in soup.find_all(True):
        depths[id(tag)] = depth = depths[id(tag.parent)] + 1
        if depth > _DEEPEST:
            raise Unreadable(f"nests elements more than {_DEEPEST} deep; save the page in a plainer form")


def _meta(soup: BeautifulSoup) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in soup.find_all("meta"):
        name = str(tag.get("name") or tag.get("property") or "").casefold()
        if name and (content := str(tag.get("content") or "").strip()):
            found.setdefault(name, content)
    return found


def _take_hidden(soup: BeautifulSoup) -> list[str]:
    """Remove what a reader does not see and return its words."""
    comments = soup.find_all(string=lambda string: isinstance(string, Comment))
    unseen = [str(comment) for comment in comments] + [str(tag["alt"]) for tag in soup.find_all("img", alt=True)]
    for comment in comments:
        comment.extract()
    for tag in soup.select(_NO_WORDS):
        tag.decompose()
    for tag in soup.find_all(_is_hidden):
        if not tag.decomposed:
            unseen.append(tag.get_text(" "))
            tag.decompose()
    return unseen


def _is_hidden(tag: Tag) -> bool:
    return tag.has_attr("hidden") or bool(_HIDING.search(str(tag.get("style") or "")))
