from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from services.optimizer.market import MarketStore
from services.optimizer.snapshots import ASSUMPTIONS_FILE, write_snapshot
from shared.errors import InvalidRequest, NotFound, NotReady
from shared.snapshots import activate
from tests.unit.optimizer.builders import kb_assumptions

SHIPPED = kb_assumptions()


def _written(root: Path, count: int) -> list[str]:
    """Write sets a day apart and return their digests, oldest first."""
    start = date(2026, 1, 1)
    return [
        write_snapshot(root, SHIPPED.model_copy(update={"id": f"set-{i}", "as_of": start + timedelta(days=i)}))
        for i in range(count)
    ]


def test_nothing_is_served_before_a_snapshot_is_active(tmp_path: Path) -> None:
    store = MarketStore(tmp_path)

    assert not store.refresh()
    with pytest.raises(NotReady):
        store.market("")


def test_a_new_pointer_is_picked_up_while_running(tmp_path: Path) -> None:
    old, new = _written(tmp_path, 2)
    activate(tmp_path, old)
    store = MarketStore(tmp_path)
    assert store.refresh()

    activate(tmp_path, new)

    assert store.refresh()
    assert store.market("").snapshot == new
    assert not store.refresh()


@pytest.mark.parametrize("content", ["nonsense", "f" * 64])
def test_a_broken_pointer_leaves_the_snapshot_in_use(tmp_path: Path, content: str) -> None:
    (good,) = _written(tmp_path, 1)
    activate(tmp_path, good)
    store = MarketStore(tmp_path)
    store.refresh()

    (tmp_path / "active").write_text(content)

    assert not store.refresh()
    assert store.active == good


def test_an_altered_snapshot_is_not_used(tmp_path: Path) -> None:
    (digest,) = _written(tmp_path, 1)
    path = tmp_path / digest / ASSUMPTIONS_FILE
    path.write_text(path.read_text().replace("0.036", "0.136"))

    with pytest.raises(NotFound, match="does not match its digest"):
        MarketStore(tmp_path).market(digest)


def test_a_request_may_name_a_snapshot_that_is_not_active(tmp_path: Path) -> None:
    old, new = _written(tmp_path, 2)
    activate(tmp_path, new)
    store = MarketStore(tmp_path)
    store.refresh()

    assert store.market(old).snapshot == old


@pytest.mark.parametrize("name", ["f" * 64, "../../etc/passwd", "x"])
def test_an_unknown_snapshot_is_not_found(tmp_path: Path, name: str) -> None:
    _written(tmp_path, 1)

    with pytest.raises(NotFound, match="is not on this server"):
        MarketStore(tmp_path).market(name)


def test_pages_hold_every_snapshot_once_newest_first(tmp_path: Path) -> None:
    digests = _written(tmp_path, 5)
    store = MarketStore(tmp_path)

    seen, token = [], ""
    while True:
        page = store.page(2, token)
        seen += [snapshot.id for snapshot in page.snapshots]
        token = page.next_token
        if not token:
            break

    assert seen == digests[::-1]


def test_an_unknown_page_token_is_refused(tmp_path: Path) -> None:
    _written(tmp_path, 2)

    with pytest.raises(InvalidRequest, match="page_token"):
        MarketStore(tmp_path).page(2, "elsewhere")


def test_an_empty_folder_has_an_empty_page(tmp_path: Path) -> None:
    page = MarketStore(tmp_path / "absent").page(20, "")

    assert (list(page.snapshots), page.next_token) == ([], "")


def test_what_was_used_least_recently_is_read_again(tmp_path: Path) -> None:
    first, second, third = _written(tmp_path, 3)
    store = MarketStore(tmp_path, most=2)
    before = [store.market(digest) for digest in (first, second)]
    store.market(first)

    store.market(third)

    assert store.market(first) is before[0]
    assert store.market(second) is not before[1]
