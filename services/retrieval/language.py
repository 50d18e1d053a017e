"""Tell the language of a question by its characters."""

from __future__ import annotations

import re

# CJK ideographs: extension A, the main block, compatibility forms and the supplementary planes.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN = re.compile(f"[{HAN}]")
_LATIN_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str:
    """Return "zh" where Chinese characters are at least as many as words in letters, else "en".

    "VTI 是什么" is Chinese; "What is the 沪深300 index about" is English.
    """
    characters = len(_HAN.findall(text))
    words = len(_LATIN_WORD.findall(_HAN.sub(" ", text)))
    return "zh" if characters and characters >= words else "en"
