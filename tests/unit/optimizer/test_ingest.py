from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.optimizer.ingest import ingest, main
from services.optimizer.snapshots import read_snapshot, stored_digests
from shared.problems import KnowledgeBaseError
from shared.snapshots import active_digest
from tests.unit.optimizer.builders import KB, kb_assumptions


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    """Return a copy of the shipped assumptions, free to be damaged."""
    shutil.copytree(KB / "assumptions", tmp_path / "kb" / "assumptions")
    return tmp_path / "kb"


def _file(kb: Path) -> Path:
    return sorted((kb / "assumptions").glob("*.yaml"))[-1]


def _edited(kb: Path, pattern: str, replacement: str, name: str | None = None) -> None:
    source = _file(kb)
    text, count = re.subn(pattern, replacement, source.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1
    (source if name is None else source.with_name(name)).write_text(text, encoding="utf-8")


def _older_copy(kb: Path) -> None:
    _edited(kb, r"^id: .*$", "id: older-set", "older-set.yaml")
    older = kb / "assumptions" / "older-set.yaml"
    older.write_text(
        re.sub(r"(?m)^as_of: .*$", "as_of: 2020-01-01", older.read_text(encoding="utf-8")), encoding="utf-8"
    )


def test_a_snapshot_reads_back_as_the_assumptions_it_was_made_from(kb: Path, tmp_path: Path) -> None:
    digest = ingest(kb, tmp_path / "out")

    assert active_digest(tmp_path / "out") == digest
    assert read_snapshot(tmp_path / "out", digest).assumptions == kb_assumptions()


def test_the_same_assumptions_give_the_same_digest(kb: Path, tmp_path: Path) -> None:
    assert ingest(kb, tmp_path / "a") == ingest(kb, tmp_path / "b")


def test_the_newest_set_becomes_active_and_older_ones_stay_listed(kb: Path, tmp_path: Path) -> None:
    _older_copy(kb)

    digest = ingest(kb, tmp_path / "out")

    assert len(stored_digests(tmp_path / "out")) == 2
    assert read_snapshot(tmp_path / "out", digest).assumptions.id == kb_assumptions().id


def test_progress_is_told_as_json_lines_and_ends_with_the_digest(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([str(kb), str(tmp_path / "out")])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert lines[-1]["event"] == "done"
    assert lines[-1]["digest"] == active_digest(tmp_path / "out")
    assert lines[-1]["asset_classes"] == len(kb_assumptions().classes)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda kb: _edited(kb, r"volatility: 0\.006", "volatility: -0.006"), "classes.us_cash.volatility"),
        (lambda kb: _edited(kb, r"^horizon_years: .*\n", ""), "horizon_years: missing; add it"),
        (lambda kb: _edited(kb, r"^label: .*$", "label: GUESSED"), "label"),
        (lambda kb: _edited(kb, r"- \[1\.0\]", "- [1.0, 0.5]"), "correlations"),
        (lambda kb: _edited(kb, r"^id: ", "id: [broken"), "not readable as YAML"),
        (lambda kb: _edited(kb, r"us_cash", "us_till"), "correlations.order"),
        (lambda kb: _edited(kb, r"^label: ", "label: GUESSED\nlabel: "), "key label appears more than once"),
        (lambda kb: _file(kb).write_text("- a list\n"), "found list, expected a mapping"),
    ],
)
def test_a_fault_is_told_with_its_file_and_field_and_nothing_is_written(
    kb: Path, tmp_path: Path, damage: Callable[[Path], None], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(kb)

    code = main([str(kb), str(tmp_path / "out")])

    told = capsys.readouterr().err
    assert code == 2
    assert f"kb/assumptions/{_file(kb).name}: " in told
    assert complaint in told
    assert not (tmp_path / "out").exists()


def test_a_set_without_cash_of_a_base_currency_is_refused(kb: Path, tmp_path: Path) -> None:
    text = _file(kb).read_text(encoding="utf-8")
    _file(kb).write_text(re.sub(r"\bcn_cash\b", "cn_till", text), encoding="utf-8")

    with pytest.raises(KnowledgeBaseError, match=r"classes\.cn_cash: missing"):
        ingest(kb, tmp_path / "out")


def test_two_sets_of_one_day_are_refused(kb: Path, tmp_path: Path) -> None:
    _edited(kb, r"^id: .*$", "id: twin-set", "twin-set.yaml")

    with pytest.raises(KnowledgeBaseError, match=r"kb/assumptions/\*\.yaml: as_of: .* same date"):
        ingest(kb, tmp_path / "out")


def test_one_id_for_two_sets_is_refused(kb: Path, tmp_path: Path) -> None:
    _edited(kb, r"^as_of: .*$", "as_of: 2020-01-01", "twin-set.yaml")

    with pytest.raises(KnowledgeBaseError, match=r"kb/assumptions/\*\.yaml: id: \S+ names more than one set"):
        ingest(kb, tmp_path / "out")


def test_a_folder_without_assumptions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeBaseError, match=r"no \.yaml file found"):
        ingest(tmp_path, tmp_path / "out")


def test_a_wrong_number_of_arguments_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kb"]) == 2
    assert "expected two arguments" in capsys.readouterr().err
