"""The fields of a request as people write them: every value is held against the contract, and every problem told."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.cli.errors import Problem
from services.cli.optimizer_values import parse_scalar

_NEAR = 0.7  # Field names of one message are hardly ever that alike.
_DATE = "google.type.Date"
_NULL = "tag:yaml.org,2002:null"


class FieldReader:
    """Reads a tree of YAML nodes into protobuf's JSON form; notes problems and the line of each field."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}

    def read(self, node: yaml.Node, descriptor: Descriptor, path: str = "") -> dict[str, Any]:
        """Return the fields of a message by the contract's names."""
        if not isinstance(node, yaml.MappingNode):
            self._refuse(path, node, _not_a_mapping(node, descriptor))
            return {}
        self._refuse_twice(node, path)
        found: dict[str, Any] = {}
        oneofs: dict[str, str] = {}
        for key, value in node.value:
            name = str(key.value)
            field = _by_name(descriptor).get(name)
            here = f"{path}.{name}" if path else name
            self.lines[here] = _line(key)
            if field is None:
                self._refuse(here, key, _unknown(name, descriptor))
            elif not _is_null(value):
                self._refuse_second_choice(field, oneofs, here, key)
                found[field.name] = self._field(value, field, here)
        return found

    def _field(self, node: yaml.Node, field: FieldDescriptor, path: str) -> Any:
        if not field.is_repeated:
            return self._value(node, field, path)
        if not isinstance(node, yaml.SequenceNode):
            what = f"found {_found(node)}, expected a list; write one entry a line below, each behind `- `"
            self._refuse(path, node, what)
            return []
        return [self._member(item, field, f"{path}[{i}]") for i, item in enumerate(node.value)]

    def _member(self, node: yaml.Node, field: FieldDescriptor, path: str) -> Any:
        self.lines[path] = _line(node)
        return self._value(node, field, path)

    def _value(self, node: yaml.Node, field: FieldDescriptor, path: str) -> Any:
        if field.message_type is not None:
            return self.read(node, field.message_type, path)
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(path, node, f"found {_found(node)}, expected a single value")
            return None
        if not node.value and node.style is None:
            self._refuse(path, node, "empty; state a value or remove the field")
            return None
        try:
            return parse_scalar(node.value, field)
        except ValueError as error:
            self._refuse(path, node, str(error))
            return None

    def _refuse_twice(self, node: yaml.MappingNode, path: str) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                self._refuse(f"{path}.{name}" if path else name, key, "stands twice; keep one of both")
            seen.add(name)

    def _refuse_second_choice(self, field: FieldDescriptor, taken: dict[str, str], path: str, node: yaml.Node) -> None:
        if field.containing_oneof is None:
            return
        other = taken.setdefault(field.containing_oneof.name, field.name)
        if other != field.name:
            self._refuse(path, node, f"cannot stand beside {other}; keep one of both")

    def _refuse(self, path: str, node: yaml.Node, what: str) -> None:
        self.problems.append(Problem(path, f"{what} (line {_line(node)})"))


def line_of(path: str, lines: Mapping[str, int]) -> int | None:
    """Return the line of a field, or of the nearest part of the file around it; None where there is none."""
    return next((lines[outer] for outer in _outwards(path) if outer in lines), None)


def _outwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]


def _by_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields by both spellings of protobuf's JSON form: max_weight and maxWeight."""
    return {name: field for field in descriptor.fields for name in (field.name, field.camelcase_name)}


def _is_null(node: yaml.Node) -> bool:
    """Tell whether the field is said to be absent: null or ~. An empty value is a slip, not an absence."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL and bool(node.value)


def _not_a_mapping(node: yaml.Node, descriptor: Descriptor) -> str:
    if descriptor.full_name == _DATE:
        return f"found {_found(node)}, expected a date like `{{year: 2026, month: 11, day: 22}}`"
    known = ", ".join(field.name for field in descriptor.fields)
    if isinstance(node, yaml.ScalarNode) and not node.value:
        return f"empty; write its fields below: {known}" if known else "empty; write `{}`, for it has no fields"
    return f"found {_found(node)}, expected fields of its own: {known or 'none, so `{}`'}"


def _unknown(name: str, descriptor: Descriptor) -> str:
    known = [field.name for field in descriptor.fields]
    near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
    if near:
        return f"unknown field; did you mean `{near[0]}`?"
    return f"unknown field; known here: {', '.join(known) or 'none'}"


def _found(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "fields"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
