"""Read a request to the optimizer from a file: YAML or JSON, with the field names of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

import yaml
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from services.cli.errors import BAD_INPUT, CliError, Problem
from services.cli.optimizer_fields import FieldReader, line_of

EXAMPLES = "examples/optimizer/"

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class RequestFile(Generic[M]):
    """A request, the file it comes from, and the line of each of its fields."""

    path: Path
    message: M
    lines: Mapping[str, int]

    def refused(self, error: CliError) -> CliError:
        """Return what a service found wrong with the request as an error of this file, with the lines of the fields."""
        if error.status != BAD_INPUT:
            return error
        return CliError(
            f"{self.path} cannot be used: {error.message}", BAD_INPUT, [self._placed(found) for found in error.problems]
        )

    def _placed(self, problem: Problem) -> Problem:
        line = line_of(problem.field, self.lines)
        return problem if line is None else Problem(problem.field, f"{problem.message} (line {line})")


def read_request(path: Path, message: M) -> RequestFile[M]:
    """Return the request of this file, put into `message`; raise CliError with every problem, each with its field."""
    node = _load(path)
    reader = FieldReader()
    fields = reader.read(node, cast(Descriptor, message.DESCRIPTOR))
    if reader.problems:
        raise CliError(f"{path} cannot be used:", problems=reader.problems)
    try:
        ParseDict(fields, message)
    except ParseError as error:
        raise CliError(f"{path} cannot be used: {error}") from error
    return RequestFile(path, message, reader.lines)


def _load(path: Path) -> yaml.Node:
    text = _text(path)
    if path.suffix.lower() == ".json":
        try:
            json.loads(text)
        except ValueError as error:
            raise CliError(f"{path} is not valid JSON: {error}") from error
        text = text.replace("\t", " ")  # JSON is YAML but for tabs, which stand only between its values.
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise CliError(f"{path} is not valid YAML: {_where(error)}") from error
    if not isinstance(node, yaml.MappingNode):
        raise CliError(f"{path} holds no fields; start from a file in {EXAMPLES}")
    return node


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}; see {EXAMPLES} for files that can") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path} is not text in UTF-8; save it as UTF-8") from error


def _where(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"{problem or error}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else str(error)
