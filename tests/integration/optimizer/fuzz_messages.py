"""Random messages: made from a descriptor, spoiled copies of valid ones, and bytes that are hardly a message."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, -1e-9, 1e-300, 1e300, -1e300, 1e16, 0.95, 100.0)
_NO_NUMBERS = (math.nan, math.inf, -math.inf)
_WHOLE = (0, 1, 2, 3, 5, 60, 100, 101, 201, 2_000, 10_001, 2**31 - 1)
_NAMES = ("AAA", "BBB", "a", "VTI", "BND", "us_large_equity", "USD", "cash", "x" * 101, "y" * 5_000, "é" * 300)
_ODD_NAMES = ("", " ", "\x00", "a[b]", "problem.limits", "../../etc/passwd", "🙂", "\u202e", "f" * 64, "\n", "'\"%s{}")
_FACTORS = (0.0, -1.0, 1e-12, 1e-6, 0.5, 1.0 + 1e-9, 1.001, 2.0, 1_000.0, 1e9)
# What is looked up before anything else: mostly left alone, or nothing behind it would ever be reached.
_LOOKED_UP = frozenset({"market_snapshot", "page_token"})
_LENGTHS = (0, 1, 1, 2, 2, 3, 5, 6, 10, 40)
_DEEPEST = 6

# The least value of the whole numbers that have a sign.
_LEAST = {FieldDescriptor.CPPTYPE_INT32: -(2**31), FieldDescriptor.CPPTYPE_INT64: -(2**63)}


def random_message(descriptor: Descriptor, random: Random, depth: int = 0) -> Message:
    """Return a message of which every field may be absent, extreme, no number, empty, huge or unknown."""
    message: Message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        # The deeper, the rarer: messages stay small enough to send thousands.
        if random.random() < (0.1 if field.name in _LOOKED_UP else 0.75 - 0.08 * depth):
            spoil(message, field, random, depth)
    return message


def spoil(message: Message, field: FieldDescriptor, random: Random, depth: int = 0) -> None:
    """Set a field of the message to something random."""
    if field.is_repeated:
        _spoil_list(message, field, random, depth)
    elif field.message_type is None:
        setattr(message, field.name, _scalar(field, random))
    elif depth < _DEEPEST:
        getattr(message, field.name).CopyFrom(random_message(field.message_type, random, depth + 1))


def spoiled(message: Message, random: Random) -> Message:
    """Return a copy with one field, seldom a few, cleared, changed, repeated or cut, somewhere in it."""
    copy = type(message)()
    copy.CopyFrom(message)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        part = random.choice([part for part in _parts(copy) if part.DESCRIPTOR.fields])
        _change(part, random.choice(list[Any](part.DESCRIPTOR.fields)), random)
    return copy


def _change(message: Message, field: FieldDescriptor, random: Random) -> None:
    what = random.random()
    values = getattr(message, field.name)
    if what < 0.15 or (field.name in _LOOKED_UP and what < 0.9):
        message.ClearField(field.name)
    elif what < 0.55 and field.is_repeated and len(values):
        _change_list(values, field, random)
    elif what < 0.55 and field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE and not field.is_repeated:
        setattr(message, field.name, values * random.choice(_FACTORS))
    else:
        spoil(message, field, random, depth=3)


def garbage(valid: bytes, random: Random) -> bytes:
    """Return random bytes, or the bytes of a message of which some are cut, changed or repeated."""
    what = random.random()
    if what < 0.2 or not valid:
        return random.randbytes(random.choice((0, 1, 2, 10, 100, 5_000)))
    start = random.randrange(len(valid))
    if what < 0.3:
        return valid[:start]
    if what < 0.4:
        return valid[:start] + valid[start : start + 200] * random.choice((2, 3, 50)) + valid[start:]
    changed = bytearray(valid)
    for _ in range(random.choice((1, 1, 2, 8))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _spoil_list(message: Message, field: FieldDescriptor, random: Random, depth: int) -> None:
    message.ClearField(field.name)
    values = getattr(message, field.name)
    for _ in range(random.choice(_LENGTHS[: len(_LENGTHS) - min(depth, 4)])):
        if field.message_type is None:
            values.append(_scalar(field, random))
        elif depth < _DEEPEST:
            values.append(random_message(field.message_type, random, depth + 1))


def _change_list(values: Any, field: FieldDescriptor, random: Random) -> None:
    """Repeat, drop, scale or replace one member of a list, or repeat them all."""
    place, what = random.randrange(len(values)), random.random()
    if what < 0.25:
        values.append(values[place])
    elif what < 0.5:
        del values[place]
    elif what < 0.55:
        values.extend(list(values) * random.choice((1, 20, 300)))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        values[place] = values[place] * random.choice(_FACTORS) if what < 0.8 else _scalar(field, random)
    elif field.message_type is None:
        values[place] = _scalar(field, random)
    else:
        values[place].CopyFrom(random_message(field.message_type, random, depth=3))


def _parts(message: Message) -> list[Message]:
    """Return the message and all messages within it."""
    found = [message]
    for field, value in message.ListFields():
        if field.message_type is not None:
            for member in value if field.is_repeated else [value]:
                found += _parts(member)
    return found


def _scalar(field: FieldDescriptor, random: Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return random.choice(_NO_NUMBERS) if random.random() < 0.2 else _number(random)
        case FieldDescriptor.CPPTYPE_BOOL:
            return random.random() < 0.5
        case FieldDescriptor.CPPTYPE_STRING:
            return _bytes_or_text(field, random)
        case FieldDescriptor.CPPTYPE_ENUM:
            assert field.enum_type is not None
            known = [value.number for value in field.enum_type.values]
            return random.choice([*known, *known, -1, 99, 2**31 - 1, -(2**31)])
        case kind:
            return random.choice([*_WHOLE, *([-1, _LEAST[kind]] if kind in _LEAST else [])])


def _number(random: Random) -> float:
    return random.choice(_NUMBERS) if random.random() < 0.5 else random.uniform(-0.2, 1.2)


def _bytes_or_text(field: FieldDescriptor, random: Random) -> bytes | str:
    text = random.choice(_NAMES if random.random() < 0.7 else _ODD_NAMES)
    if field.type != FieldDescriptor.TYPE_BYTES:
        return text
    table = b"date,AAA,BBB\n" + b"".join(b"2020-01-%02d,%d,nan\n" % (day, day) for day in range(1, 40))
    return random.choice((b"", random.randbytes(200), b"PAR1" + random.randbytes(50) + b"PAR1", table, text.encode()))
