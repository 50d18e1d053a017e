"""The words of a text as word search counts them: lower case, simplified, English ones as stems, no stop words."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from Stemmer import Stemmer

from services.retrieval.chinese import simplified
from services.retrieval.language import HAN

# Raise it whenever the same text would give other words: an index must be asked in the words it was built from.
WORDS_VERSION = "4"

# Cuts a run of Chinese characters into words, long words also into the shorter ones they contain.
Segment = Callable[[str], Iterable[str]]

_RUN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>[^\W_{HAN}]+)")
# "300etf" is the number and the word; "r3" and "c1" stay one name.
_NUMBER_THEN_LETTERS = re.compile(r"(\d{2,})([^\W\d_]+)")
_POSSESSIVE = re.compile(r"['’]s\b")

_ENGLISH_STOP_WORDS = """
a about an and are as at be been but by can could did do does for from had has have how i if in into is it its me my no
not of on or our shall should so than that the their them then there these they this those to was we were what when
where which who whom why will with would you your
"""
_CHINESE_STOP_WORDS = """
的 了 是 在 和 与 及 或 有 吗 呢 吧 啊 呀 我 我们 你 您 你们 他 它 这 那 这个 那个 这些 那些 什么 怎么 怎么样 怎样 如何
哪些 哪个 哪 为什么 为何 多少 请问 请 就 都 也 还 很 会 要 能 可以 应该 应当 对 把 被 从 到 于 而 其 之 个 一个 是否
是不是 有没有 关于 么 样 应 该
"""
_STOP_WORDS = frozenset(f"{_ENGLISH_STOP_WORDS} {_CHINESE_STOP_WORDS}".split())


def words_of(text: str, segment: Segment) -> list[str]:
    """Return the words in order, repeated as often as they stand in the text.

    Full-width and other compatibility forms are folded (NFKC), traditional characters become simplified ones.
    """
    folded = _POSSESSIVE.sub("", unicodedata.normalize("NFKC", text).casefold())
    return [word for run in _RUN.finditer(folded) for word in _words(run, segment) if word not in _STOP_WORDS]


def _words(run: re.Match[str], segment: Segment) -> Iterator[str]:
    if run["han"]:
        yield from segment(simplified(run["han"]))
    elif mixed := _NUMBER_THEN_LETTERS.fullmatch(run["word"]):
        yield from (mixed[1], stem(mixed[2]))
    else:
        yield stem(run["word"])


def stem(word: str) -> str:
    """Return what an English word has in common with its other forms: Porter's second algorithm (Snowball 2001)."""
    return _stemmers.english.stemWord(word)


class _Stemmers(threading.local):
    """A stemmer for each thread: one keeps its working memory in itself."""

    def __init__(self) -> None:
        self.english = Stemmer("english")


_stemmers = _Stemmers()
