"""An answer of the retrieval service as words for people or as JSON for a program, and the words of its enums."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from fiducia.retrieval.v1 import passage_pb2
from google.protobuf.message import Message
from rich.console import RenderableType

from services.cli.proposal_file import to_json
from services.cli.terminal import open_console

# All but tab and line feed, and the marks that turn the direction of writing: what they do to a terminal is no word.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return words of a document, or a file's name, so that they cannot steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.encode("utf-8", "replace").decode())


def counted(number: int, noun: str) -> str:
    """Return `1 passage` or `2,133 passages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def print_answer(message: Message, show: Callable[[], RenderableType], *, as_json: bool) -> None:
    """Print the message as JSON, or what `show` makes of it."""
    if as_json:
        sys.stdout.write(to_json(message))
    else:
        open_console().print(show())


def trust_words(trust: passage_pb2.TrustLevel.ValueType) -> str:
    """Return `firm-approved`, `issuer`, `external` or `quarantined`."""
    return _words(passage_pb2.TrustLevel.Name(trust or passage_pb2.TRUST_LEVEL_EXTERNAL), "TRUST_LEVEL_")


def kind_words(kind: passage_pb2.DocumentKind.ValueType) -> str:
    """Return `guide`, `factsheet` or `document`."""
    return _words(passage_pb2.DocumentKind.Name(kind or passage_pb2.DOCUMENT_KIND_DOCUMENT), "DOCUMENT_KIND_")


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", "-")
