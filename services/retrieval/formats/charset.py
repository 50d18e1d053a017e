"""Bytes to text: UTF-8, what the file declares, or the one other encoding that makes sense of it."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from services.retrieval.formats.extract import Unreadable

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Encodings in which files about Chinese and American funds are found; one that fits every byte would hide an error.
_GUESSES = ["gb18030", "big5", "cp1252"]
# Names that mean their superset in practice (WHATWG Encoding Standard).
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "cp1252", "big5": "big5hkscs"}


def decoded(data: bytes, declared: str = "") -> str:
    """Return the text. declared: the encoding that the file or its sidecar names, "" if none.

    A byte order mark decides, then UTF-8 where every byte fits, then the declared encoding, then detection.
    Raises Unreadable.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _strictly(data, name)
    if b"\x00" in data:
        raise Unreadable("holds zero bytes, so it is no text; check what kind of file it is")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _strictly(data, _codec(declared)) if declared else _detected(data)


def _codec(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError as error:
        raise Unreadable(f"declares the encoding {declared[:40]!r}, which is unknown; save it as UTF-8") from error
    return _SUPERSETS.get(name, name)


def _strictly(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError) as error:
        raise Unreadable(f"is not the {name} that it says it is ({error}); save it as UTF-8") from error


def _detected(data: bytes) -> str:
    best = from_bytes(data, cp_isolation=_GUESSES, enable_fallback=False).best()
    if best is None:
        raise Unreadable("is neither UTF-8 nor GB18030, Big5 or Windows-1252; save it as UTF-8")
    return _strictly(data, best.encoding)
