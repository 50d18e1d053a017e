"""Read YAML entries of the knowledge base, strictly: a repeated key is an error, not the last one wins."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from services.orchestrator.catalogue.problems import KnowledgeBaseError, Problem, problems_of

Shape = TypeVar("Shape")


def read_entry(path: Path, file: str, shape: type[Shape]) -> Shape:
    """Return what the file describes.

    file: the name used in errors.  shape: a model, or a mapping of models.
    Raises KnowledgeBaseError with every fault of the file.
    """
    return parse_entry(read_yaml(path, file), file, shape)


def parse_entry(data: Any, file: str, shape: type[Shape]) -> Shape:
    """Return what this parsed content describes, or raise KnowledgeBaseError with every fault."""
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        raise KnowledgeBaseError(problems_of(error, file, data)) from error


def read_yaml(path: Path, file: str) -> dict[str, Any]:
    """Return the mapping in a UTF-8 YAML file, or raise KnowledgeBaseError."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError as error:
        raise KnowledgeBaseError([Problem(file, "", "file not found; add it")]) from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise KnowledgeBaseError([Problem(file, "", f"not readable as YAML: {reason}; correct the file")]) from error
    if not isinstance(data, dict):
        raise KnowledgeBaseError([Problem(file, "", f"found {type(data).__name__}, expected a mapping of fields")])
    return data


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, except that a key written twice in one mapping is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {', '.join(repeated)} appears more than once", node.start_mark
            )
        return super().construct_mapping(node, deep)
