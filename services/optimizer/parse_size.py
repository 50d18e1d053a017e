"""How much a request may hold: what is larger is refused before anything in it is looked at."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from shared.errors import InvalidRequest

# 200 groups of 1,000 products each, and all other lists of the largest request. Checking them takes half a second.
MAX_ENTRIES = 250_000
# The shortest entry of a list takes two bytes: what is smaller cannot hold too many.
_LEAST_BYTES = 2 * MAX_ENTRIES


def refuse_too_large(message: Message, path: str = "") -> None:
    """Raise InvalidRequest where all lists of the message, but those of numbers, hold more than MAX_ENTRIES together.

    path: of the message within the request; "" for the request itself.
    """
    if message.ByteSize() <= _LEAST_BYTES:
        return
    left, waiting = MAX_ENTRIES, [(path, message)]
    while waiting:
        where, part = waiting.pop()
        for field, value in part.ListFields():
            name = f"{where}.{field.name}" if where else field.name
            members = value if field.is_repeated else [value]
            if field.is_repeated and field.cpp_type != FieldDescriptor.CPPTYPE_DOUBLE:
                left -= len(value)
                if left < 0:
                    expected = f"expected at most {MAX_ENTRIES} in all lists of a request together"
                    raise InvalidRequest.of(name, f"found {len(value)} entries, {expected}")
            if field.message_type is not None:
                waiting += [(f"{name}[{i}]" if field.is_repeated else name, member) for i, member in enumerate(members)]
