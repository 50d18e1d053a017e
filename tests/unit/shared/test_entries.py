"""Entries of the knowledge base are read strictly, and a refusal names the file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from shared.entries import Entry, StrictLoader, collect, read_entry, read_text, read_yaml
from shared.problems import KnowledgeBaseError, Problem

FILE = "kb/fund.yaml"


class Fund(Entry):
    id: str
    fee: float = 0.0
    as_of: date | None = None


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "fund.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path) -> list[str]:
    with pytest.raises(KnowledgeBaseError) as caught:
        read_entry(path, FILE, Fund)
    return [str(problem) for problem in caught.value.problems]


def test_an_entry_is_what_its_file_describes(tmp_path: Path) -> None:
    path = written(tmp_path, "id: ' VTI '\nfee: 0.0003\nas_of: 2026-01-31\n")

    assert read_entry(path, FILE, Fund) == Fund(id="VTI", fee=0.0003, as_of=date(2026, 1, 31))


def test_a_mapping_of_entries_is_read_by_key(tmp_path: Path) -> None:
    path = written(tmp_path, "a: {id: VTI}\nb: {id: VOO}\n")

    assert read_entry(path, FILE, dict[str, Fund]) == {"a": Fund(id="VTI"), "b": Fund(id="VOO")}


def test_every_fault_of_a_file_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "fee: .nan\ncost: 1\n")

    assert refused(path) == [
        f"{FILE}: cost: unknown field; remove it or correct its spelling",
        f"{FILE}: fee: found nan; input should be a finite number; correct it",
        f"{FILE}: id: missing; add it",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id: VTI\nid: VOO\n", "not readable as YAML: key id appears more than once"),
        ("id: {en: a, zh: b, en: c}\n", "not readable as YAML: key en appears more than once"),
        ("id: [VTI\n", "not readable as YAML"),
        ("as_of: 2026-13-45\n", "not readable as YAML"),
        ("!!python/object:os.system {}\n", "not readable as YAML"),
        ("", "found NoneType, expected a mapping of fields"),
        ("- VTI\n", "found list, expected a mapping of fields"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    (found,) = refused(written(tmp_path, text))

    assert found.startswith(f"{FILE}: {reason}")
    assert "\n" not in found


def test_a_key_that_overrides_a_merged_one_is_no_repetition(tmp_path: Path) -> None:
    path = written(tmp_path, "base: &base {id: VTI, fee: 0.1}\nother: {<<: *base, fee: 0.2}\n")

    assert read_yaml(path, FILE)["other"] == {"id": "VTI", "fee": 0.2}


def test_the_fast_parser_is_used_where_there_is_one() -> None:
    assert issubclass(StrictLoader, yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.yaml") == [f"{FILE}: file not found; add it"]


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path) == [f"{FILE}: not readable (Is a directory); correct its access"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (found,) = refused(written(tmp_path, "name: 基金".encode("gbk")))

    assert found.startswith(f"{FILE}: not readable as UTF-8: ")


def test_text_is_read_without_a_mark_at_its_begin_and_with_plain_line_ends(tmp_path: Path) -> None:
    assert read_text(written(tmp_path, b"\xef\xbb\xbfid: VTI\r\n"), FILE) == "id: VTI\n"


def test_what_is_sound_is_collected_beside_the_problems_of_the_rest(tmp_path: Path) -> None:
    def read(path: Path) -> str:
        if path.name == "bad":
            raise KnowledgeBaseError([Problem("bad", "", "one"), Problem("bad", "", "two")])
        return path.name

    found, problems = collect([tmp_path / name for name in ("a", "bad", "b")], read)

    assert found == ["a", "b"]
    assert problems == [Problem("bad", "", "one"), Problem("bad", "", "two")]
