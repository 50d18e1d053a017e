"""Read a client file, and tell everything that is wrong with it at once."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.cli.client_checks import problems_between_fields
from services.cli.client_file import ClientFile, External, Goal, Holding, Preferences, QuestionnaireAnswers, Required
from services.cli.errors import CliError, Problem

_EXAMPLES = {
    "jurisdiction": "jurisdiction: US",
    "base_currency": "base_currency: USD",
    "goal": "goal: {purpose: retirement, horizon_years: 18}",
    "goal.purpose": "purpose: retirement",
    "goal.horizon_years": "horizon_years: 18",
    "questionnaire": "questionnaire: {answers: {horizon: over_15y, …}}; `fiducia questionnaire` prints the questions",
    "questionnaire.answers": "answers: {horizon: over_15y, …}; `fiducia questionnaire` prints the questions",
    "external.name": "name: Old Pension Fund",
    "external.asset_class": "asset_class: us_large_equity",
    "external.risk_level": "risk_level: R3",
    "required_products.product": "product: BND",
    "required_products.min_weight": "min_weight: 10 %",
}
_NEAR = 0.8  # Hardly any two different field names of this file are that alike.
_PARTS: dict[str, type[BaseModel]] = {
    "": ClientFile,
    "goal": Goal,
    "questionnaire": QuestionnaireAnswers,
    "holdings": Holding,
    "external": External,
    "preferences": Preferences,
    "required_products": Required,
}


class _Loader(yaml.BaseLoader):
    """Reads every value as the text that stands there: 000123 stays a code, `no` stays a word, 0.1 stays exact."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; a key that stands twice is an error, because one of both would be ignored."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the field {twice} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_client_file(path: Path) -> ClientFile:
    """Return the client of this file, or raise CliError with all its problems, each with the path of its field."""
    raw = _load(path)
    try:
        client = ClientFile.model_validate(raw)
        found: list[Problem] = []
    except ValidationError as error:
        client = None
        found = [_problem(details) for details in error.errors(include_url=False)]
    taken = {problem.field for problem in found}
    found += [problem for problem in problems_between_fields(raw) if problem.field not in taken]
    if client is None or found:
        raise CliError(f"{path} cannot be used:", problems=found)
    return client


def _load(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}; see examples/clients/ for files that can") from error
    except UnicodeDecodeError as error:
        raise CliError(f"{path} is not text in UTF-8; save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise CliError(f"{path} is not valid YAML: {_where(error)}") from error
    if not isinstance(raw, dict):
        raise CliError(f"{path} holds no fields; start from a file in examples/clients/")
    return raw


def _where(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"{problem or error}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else str(error)


def _problem(details: ErrorDetails) -> Problem:
    return Problem(_path(details["loc"]), _message(details))


def _path(loc: tuple[int | str, ...]) -> str:
    return re.sub(r"^\.", "", "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in loc))


def _message(details: ErrorDetails) -> str:
    kind, found = details["type"], details["input"]
    names = [str(key) for key in details["loc"] if not isinstance(key, int)]
    if kind == "missing":
        example = _EXAMPLES.get(".".join(names[-2:])) or _EXAMPLES.get(names[-1])
        return "missing; add it" + (f", for example `{example}`" if example else "")
    if kind == "extra_forbidden":
        return _unknown_field(names)
    if kind == "literal_error":
        return f"{found!r} is not possible; choose one of {details['ctx']['expected'].replace(chr(39), '')}"
    if kind == "list_type":
        return f"found {found!r}, expected a list; write one entry a line below, each behind `- `"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"found {found!r}, expected fields of its own; indent them below, one a line"
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if found == "":
        return "empty; state a value or remove the field"
    return f"found {found!r}: {details['msg'][0].lower()}{details['msg'][1:]}"


def _unknown_field(names: list[str]) -> str:
    known = list(_PARTS.get(names[-2] if len(names) > 1 else "", ClientFile).model_fields)
    near = difflib.get_close_matches(names[-1], known, n=1, cutoff=_NEAR)
    return f"unknown field; did you mean `{near[0]}`?" if near else f"unknown field; known here: {', '.join(known)}"
