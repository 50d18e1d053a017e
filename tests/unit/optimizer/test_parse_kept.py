from __future__ import annotations

from collections.abc import Callable
from functools import partial

from services.optimizer.checks import Checks
from services.optimizer.parse_kept import Kept


def _reader(made: list[str], name: str) -> Callable[[], str]:
    def read() -> str:
        made.append(name)
        return name

    return read


def test_what_was_read_without_a_fault_is_not_read_again() -> None:
    kept, made = Kept[str](), list[str]()

    found = [kept.read(b"terms", _reader(made, "one"), Checks(), context="USD") for _ in range(2)]

    assert (found, made) == (["one", "one"], ["one"])


def test_another_content_or_another_context_is_another_part() -> None:
    kept, made = Kept[str](), list[str]()
    asked = [(b"terms", "USD", b""), (b"terms", "CNY", b""), (b"others", "USD", b""), (b"terms", "USD", b"products")]

    for content, context, within in asked:
        kept.read(content, _reader(made, context), Checks(), context=context, within=within)

    assert len(made) == 4


def test_a_fault_is_noted_each_time() -> None:
    kept = Kept[str]()

    def read(checks: Checks) -> str:
        checks.refuse("field", "is wrong")
        return "faulty"

    for _ in range(2):
        checks = Checks()
        kept.read(b"terms", partial(read, checks), checks)
        assert checks.count_noted == 1


def test_nothing_is_kept_of_a_request_with_a_fault_elsewhere() -> None:
    kept, made, checks = Kept[str](), list[str](), Checks()
    checks.refuse("elsewhere", "is wrong")

    for _ in range(2):
        kept.read(b"terms", _reader(made, "one"), checks)

    assert made == ["one", "one"]


def test_it_starts_again_when_it_is_full_and_keeps_nothing_that_is_too_large() -> None:
    kept, made = Kept[str](capacity_bytes=50, largest_bytes=26), list[str]()

    for content in (b"12345", b"54321", b"abcde", b"12345", b"too large", b"too large"):
        kept.read(content, _reader(made, content.decode()), Checks())

    assert made == ["12345", "54321", "abcde", "12345", "too large", "too large"]


def test_what_it_is_within_counts_and_so_does_an_empty_part() -> None:
    kept, made = Kept[str](capacity_bytes=60, largest_bytes=60), list[str]()

    for within in (b"", b"x" * 20, b"y" * 20, b""):
        kept.read(b"", _reader(made, within.decode()), Checks(), within=within)

    assert made == ["", "x" * 20, "y" * 20, ""]
