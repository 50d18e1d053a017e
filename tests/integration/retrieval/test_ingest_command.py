from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.retrieval.encoder import FoundEncoder
from services.retrieval.encoders.chosen import find_encoders
from services.retrieval.ingest.__main__ import main
from services.retrieval.jieba_segmenter import JiebaSegmenter
from services.retrieval.passage import PassageFlag
from services.retrieval.settings import EMBEDDED_ENCODERS
from services.retrieval.snapshot_folder import load_snapshot
from shared.snapshots import active_digest
from tests.unit.retrieval.samples import write_kb
from tests.unit.retrieval.test_ingest_library import POISONED


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoders: tuple[FoundEncoder, ...]) -> Path:
    # The session's encoders: loading them anew for every run would only cost time.
    monkeypatch.setattr(
        "services.retrieval.ingest.__main__.find_encoders",
        lambda names: encoders if tuple(names) == EMBEDDED_ENCODERS else find_encoders(names),
    )
    return write_kb(tmp_path / "kb")


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_progress_is_told_in_json_lines_and_the_last_names_the_active_index(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([str(kb), str(tmp_path / "index")])

    told = events(capsys)
    assert status == 0
    assert [line["event"] for line in told] == ["read", "chunked", *["embedding", "embedded"] * 2, "writing", "done"]
    assert told[-1]["digest"] == active_digest(tmp_path / "index")
    assert (told[-1]["documents"], told[-1]["passages"]) == (4, 7)


def test_the_same_input_gives_the_same_digest(kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in ("a", "b", "b"):
        main([str(kb), str(tmp_path / out)])

    told = events(capsys)
    assert len({line["digest"] for line in told if line["event"] == "done"}) == 1
    assert [line["event"] for line in told[-3:]] == ["read", "unchanged", "done"]


def test_an_overlay_gives_a_second_index_and_leaves_kb_and_the_active_one_alone(
    kb: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    encoders: tuple[FoundEncoder, ...],
    segmenter: JiebaSegmenter,
) -> None:
    overlay, index = tmp_path / "overlay", tmp_path / "index"
    (overlay / "factsheets").mkdir(parents=True)
    (overlay / "factsheets/VTI.md").write_text(POISONED)
    main([str(kb), str(index)])
    first = active_digest(index)
    capsys.readouterr()

    main([str(kb), str(index), "--overlay", str(overlay), "--no-activate"])

    told = events(capsys)
    poisoned = str(told[-1]["digest"])
    assert active_digest(index) == first != poisoned
    assert {"reused": 3, "texts": 1}.items() <= told[2].items()
    snapshot = load_snapshot(index / poisoned, encoders, segmenter)
    flagged = [passage.document.id for passage in snapshot.passages if passage.flags]
    assert flagged == ["VTI-factsheet-en"]
    assert snapshot.passages[-3].flags == (PassageFlag.INSTRUCTION_LIKE,)


def test_a_malformed_entry_ends_with_status_2_and_builds_nothing(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kb / "products/us/VTI.yaml").write_text("id: VTI\nasset_class: 3\n")

    status = main([str(kb), str(tmp_path / "index")])

    printed = capsys.readouterr()
    assert status == 2
    assert "kb/products/us/VTI.yaml: asset_class: found 3, expected text; put it in quotes" in printed.err
    assert printed.out == ""
    assert not (tmp_path / "index").exists()


def test_a_folder_that_cannot_be_written_ends_with_status_2(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")

    status = main([str(kb), str(tmp_path / "file")])

    assert status == 2
    assert f"{tmp_path / 'file'}: cannot be written: " in capsys.readouterr().err


def test_an_encoder_without_weights_ends_with_status_2(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([str(kb), str(tmp_path / "index"), "--encoders", str(kb)])

    assert status == 2
    assert "holds no model weights" in capsys.readouterr().err
