"""What guides and factsheets have in common: their fields and how a file is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.retrieval.ingest.problems import IngestRefused, Problem, problems_of

Text = Annotated[str, Field(min_length=1)]
Language = Literal["en", "zh"]
Jurisdiction = Literal["US", "CN"]
RiskLevelName = Literal["R1", "R2", "R3", "R4", "R5"]
DocumentId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=100)]
ProductId = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$")]

LANGUAGES: tuple[Language, ...] = ("en", "zh")

# The C parser reads the same language about eight times as fast; it is missing from some builds of PyYAML.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Shape = TypeVar("Shape", bound=BaseModel)


class Entry(BaseModel):
    """Fields of an entry: immutable, an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def read_text(path: Path, file: str) -> str:
    """Return the text of a UTF-8 file with line ends as "\\n". Raises IngestRefused."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IngestRefused([Problem(file, "", f"not readable as UTF-8: {error}; correct the file")]) from error


def read_yaml(text: str, file: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds. Raises IngestRefused."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise IngestRefused([Problem(file, "", f"not readable as YAML: {reason}; correct the file")]) from error
    if not isinstance(data, dict):
        raise IngestRefused([Problem(file, "", f"found {type(data).__name__}, expected a mapping of fields")])
    return data


def parse(shape: type[Shape], data: dict[str, Any], file: str) -> Shape:
    """Return the entry that the data describe. Raises IngestRefused with every fault."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise IngestRefused(problems_of(error, file)) from error


Result = TypeVar("Result")


def collect(paths: list[Path], read: Callable[[Path], list[Result]]) -> tuple[list[Result], list[Problem]]:
    """Return what the files give and the problems of those that are refused."""
    found: list[Result] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found += read(path)
        except IngestRefused as error:
            problems += error.problems
    return found, problems
