"""Read entries of the knowledge base, strictly: a repeated key is an error, not the last one wins."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shared.problems import KnowledgeBaseError, Problem, problems_of

Shape = TypeVar("Shape")
Result = TypeVar("Result")

# The C parser reads the same language about eight times as fast; it is missing from some builds of PyYAML.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Entry(BaseModel):
    """A knowledge-base object: immutable; an unknown field, NaN or infinity is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


def read_entry(path: Path, file: str, shape: type[Shape]) -> Shape:
    """Return what a YAML file describes.

    file: the name used in problems.  shape: a model, or a mapping of models.
    Raises KnowledgeBaseError with every fault of the file.
    """
    return parse_entry(read_yaml(path, file), file, shape)


def parse_entry(data: Any, file: str, shape: type[Shape]) -> Shape:
    """Return what this parsed content describes. Raises KnowledgeBaseError with every fault."""
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        raise KnowledgeBaseError(problems_of(error, file, data)) from error


def read_yaml(path: Path, file: str) -> dict[str, Any]:
    """Return the mapping in a UTF-8 YAML file. Raises KnowledgeBaseError."""
    text = read_text(path, file)
    try:
        data = yaml.load(text, Loader=StrictLoader)
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise _refused(file, f"not readable as YAML: {reason}; correct the file") from error
    if not isinstance(data, dict):
        raise _refused(file, f"found {type(data).__name__}, expected a mapping of fields")
    return data


def read_text(path: Path, file: str) -> str:
    """Return the text of a UTF-8 file with line ends as "\\n". Raises KnowledgeBaseError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise _refused(file, "file not found; add it") from error
    except OSError as error:
        raise _refused(file, f"not readable ({error.strerror}); correct its access") from error
    except UnicodeDecodeError as error:
        raise _refused(file, f"not readable as UTF-8: {error}; correct the file") from error


def collect(paths: Iterable[Path], read: Callable[[Path], Result]) -> tuple[list[Result], list[Problem]]:
    """Return what `read` gives for each path, and the problems of those that it refuses."""
    found: list[Result] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found.append(read(path))
        except KnowledgeBaseError as error:
            problems += error.problems
    return found, problems


class StrictLoader(_Loader):
    """PyYAML's safe loader, except that a key written twice in one mapping is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {', '.join(repeated)} appears more than once", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _refused(file: str, reason: str) -> KnowledgeBaseError:
    return KnowledgeBaseError([Problem(file, "", reason)])
