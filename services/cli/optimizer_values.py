"""Single values of a request file, each by the type that the contract gives its field."""

from __future__ import annotations

import difflib
import math
import re

from google.protobuf.descriptor import FieldDescriptor

_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_PERCENT = re.compile(r"^([+-]?\d+\.?\d*)\s*%$")
_WHOLE = re.compile(r"^[+-]?\d+$")
_DECIMALS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_TRUTHS = {"true": True, "false": False}


def parse_scalar(text: str, field: FieldDescriptor) -> str | float | int | bool:
    """Return the value in protobuf's JSON form, or raise ValueError that says what was found and what to write.

    Values come as the text that stands in the file: 000123 stays a code, and 0.1 is read once.
    """
    kind = field.cpp_type
    if kind in _DECIMALS:
        return _decimal(text)
    if kind in _RANGES:
        return _whole(text, *_RANGES[kind])
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return _truth(text)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return _choice(text, field)
    return _text(text)


def _decimal(text: str) -> float:
    if _NUMBER.match(text):
        value = float(text)
        if math.isfinite(value):
            return value
        raise ValueError(f"{text} is beyond every number this can be; state a smaller one")
    percent = _PERCENT.match(text)
    if percent:
        raise ValueError(f"found {text!r}, expected a fraction; write {float(percent[1]) / 100:g}")
    raise ValueError(f"found {text!r}, expected a number; write it like 1250 or 0.05, without commas")


def _whole(text: str, least: int, most: int) -> int:
    if not _WHOLE.match(text):
        raise ValueError(f"found {text!r}, expected a whole number")
    value = int(text)
    if not least <= value <= most:
        raise ValueError(f"found {text}, expected a whole number from {least} to {most}")
    return value


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(f"found {text!r}, expected true or false")
    return _TRUTHS[text.lower()]


def _choice(text: str, field: FieldDescriptor) -> str:
    """Return the name of the enum's value; its number is understood too, as in protobuf's JSON form."""
    enum = field.enum_type
    if enum is None:
        raise TypeError(f"{field.full_name} is no enum")
    if _WHOLE.match(text) and int(text) in enum.values_by_number:
        return str(enum.values_by_number[int(text)].name)
    if text in enum.values_by_name:
        return text
    known = [value.name for value in enum.values if value.number]
    by_end = [name for name in known if name.endswith(f"_{text.upper()}")]
    near = by_end or difflib.get_close_matches(text.upper(), known, n=1)
    if near:
        raise ValueError(f"found {text!r}; did you mean {near[0]}?")
    raise ValueError(f"found {text!r}; choose one of {', '.join(known)}")


def _text(text: str) -> str:
    """Return the text with two-part escapes of JSON joined; a half of one cannot be sent."""
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\ufffd" in joined and "\ufffd" not in text:
        raise ValueError("holds half of a two-part \\u escape; write the character itself")
    return joined
