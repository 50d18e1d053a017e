"""Building from the knowledge base: only when it has changed, and every problem told at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.cli import build, kb_stamp
from services.cli.build import Workshop, ingest, run_builders
from services.cli.child import Command
from services.cli.errors import BAD_INPUT, FAULT, CliError
from services.cli.kb_stamp import kb_digest, read_stamp, write_stamp

BUILDER = """
import json, pathlib, sys
kb, out = map(pathlib.Path, sys.argv[1:3])
(out / "d1").mkdir(parents=True, exist_ok=True)
(out / "active").write_text("d1\\n")
print(json.dumps({"event": "read", "detail": "reading"}))
print(json.dumps({"event": "done", "digest": "d1", "products": 3}))
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Return a workshop with one builder, a module of this test."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "sample_builder.py").write_text(BUILDER)
    kb = tmp_path / "kb"
    kb.mkdir()
    (kb / "one.yaml").write_text("a: 1\n")
    monkeypatch.setattr(build, "BUILDERS", {"catalogue": "sample_builder"})
    monkeypatch.setattr(kb_stamp, "BUILDER_CODE", ())
    path = os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")])
    return Workshop(kb, tmp_path / "data", tmp_path / "log", {"PYTHONPATH": path})


def quiet(_words: str) -> None:
    pass


async def test_an_unchanged_knowledge_base_is_not_built_again(shop: Workshop) -> None:
    first = await ingest(shop, quiet)
    second = await ingest(shop, quiet)

    assert (first.fresh, second.fresh) == (True, False)
    assert second.reports == {"catalogue": {"event": "done", "digest": "d1", "products": 3}}


async def test_a_changed_file_is_built_again(shop: Workshop) -> None:
    await ingest(shop, quiet)
    (shop.kb / "one.yaml").write_text("a: 2\n")

    assert (await ingest(shop, quiet)).fresh


async def test_force_builds_again(shop: Workshop) -> None:
    await ingest(shop, quiet)

    assert (await ingest(shop, quiet, force=True)).fresh


async def test_a_removed_result_is_built_again(shop: Workshop) -> None:
    await ingest(shop, quiet)
    (shop.data_dir / "catalogue" / "active").unlink()

    assert (await ingest(shop, quiet)).fresh


async def test_a_folder_that_does_not_exist_is_told(shop: Workshop) -> None:
    missing = Workshop(shop.kb / "none", shop.data_dir, shop.log_folder, {})

    with pytest.raises(CliError, match="is not a folder"):
        await ingest(missing, quiet)


async def test_the_problems_of_all_builders_are_told_at_once(tmp_path: Path) -> None:
    refuse = "import sys; print('kb/{0}.yaml: name: missing', file=sys.stderr); sys.exit(2)"
    commands = {name: Command(name, ("-c", refuse.format(name)), {}) for name in ("one", "two")}

    with pytest.raises(CliError) as caught:
        await run_builders(commands, tmp_path, quiet)

    assert caught.value.status == BAD_INPUT
    assert [problem.message for problem in caught.value.problems] == [
        "kb/one.yaml: name: missing",
        "kb/two.yaml: name: missing",
    ]


async def test_a_builder_with_a_bug_is_a_fault_with_the_end_of_its_log(tmp_path: Path) -> None:
    commands = {"one": Command("one", ("-c", "1/0"), {})}

    with pytest.raises(CliError, match="ZeroDivisionError") as caught:
        await run_builders(commands, tmp_path, quiet)

    assert caught.value.status == FAULT


def test_the_digest_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    first = kb_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")

    assert kb_digest(tmp_path) != first


def test_half_a_stamp_counts_as_none(tmp_path: Path) -> None:
    write_stamp(tmp_path, "digest", {"index": {"digest": "d"}})
    whole = (tmp_path / "ingest.json").read_text()
    assert json.loads(whole)["kb"] == "digest"

    (tmp_path / "ingest.json").write_text(whole[: len(whole) // 2])

    assert read_stamp(tmp_path, "digest") is None
