"""Problems of the knowledge base: a line each, with the file, the field as it is written there, and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from shared.problems import KnowledgeBaseError, Problem, file_name, problems_of


class Rated(BaseModel):
    model_config = ConfigDict(extra="forbid")

    basis: Literal["rated"]
    level: Literal["R1", "R2"]

    @model_validator(mode="after")
    def _is_not_two(self) -> Self:
        if self.level == "R2":
            raise ValueError("level, basis: expected R1; lower it")
        return self


class Derived(BaseModel):
    basis: Literal["derived"]


class Fund(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    risk: Annotated[Rated | Derived, Field(discriminator="basis")] = Derived(basis="derived")
    parts: dict[Annotated[str, Field(pattern="^[a-z]+$")], list[float]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if self.name == "words":
            raise ValueError("expected a name")
        return self


def lines(data: Any, shape: Any = Fund) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(shape).validate_python(data)
    return [str(problem) for problem in problems_of(caught.value, "kb/VTI.yaml", data)]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, "name: missing; add it"),
        ({"name": "a", "fee": 1}, "fee: unknown field; remove it or correct its spelling"),
        ({"name": 510300}, "name: found 510300, expected text; put it in quotes"),
        ({"name": "a", "parts": {"x": [1.0, "b"]}}, "parts.x.1: found 'b'; input should be a valid number"),
        ({"name": "a", "parts": {"X": []}}, "parts.X: found 'X'; string should match pattern"),
        ({"name": "words"}, "expected a name"),
        ({"name": "a", "risk": {"basis": "rated", "level": "R9"}}, "risk.level: found 'R9'; input should be 'R1'"),
        ({"name": "a", "risk": {"basis": "rated"}}, "risk.level: missing; add it"),
        ({"name": "a", "risk": {"basis": "rated", "level": "R2"}}, "risk.level, risk.basis: expected R1; lower it"),
        ({"name": "a", "risk": {}}, "risk: found {}; unable to extract tag"),
    ],
)
def test_a_fault_is_told_with_the_field_as_it_is_written(data: dict[str, Any], line: str) -> None:
    (found,) = lines(data)

    assert found.startswith(f"kb/VTI.yaml: {line}")


def test_a_mapping_of_models_is_told_with_its_key() -> None:
    assert lines({"VTI": {}}, dict[str, Fund]) == ["kb/VTI.yaml: VTI.name: missing; add it"]


def test_a_long_value_is_cut() -> None:
    (found,) = lines({"name": ["x" * 1000]})

    assert len(found) < 150


def test_an_error_holds_each_problem_once_sorted_and_prints_a_line_for_each() -> None:
    first, second, third = Problem("a", "", "one"), Problem("a", "b", "two"), Problem("b", "a", "three")

    error = KnowledgeBaseError([third, second, first, second])

    assert error.problems == (first, second, third)
    assert str(error).splitlines() == ["a: one", "a: b: two", "b: a: three"]


@pytest.mark.parametrize("kb", ["kb", "./kb", "guides/../kb", "kb/."])
def test_a_file_is_named_from_the_folder_of_the_knowledge_base_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kb: str
) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "guides").mkdir()
    monkeypatch.chdir(tmp_path)

    assert file_name(Path(kb), Path(kb) / "products" / "VTI.yaml") == "kb/products/VTI.yaml"


def test_a_knowledge_base_in_the_working_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert file_name(Path(), Path("sources.yaml")) == f"{tmp_path.name}/sources.yaml"
