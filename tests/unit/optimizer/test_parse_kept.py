from __future__ import annotations

from collections.abc import Callable

from services.optimizer.checks import Checks
from services.optimizer.parse_kept import Kept


def _reader(made: list[str], name: str) -> Callable[[], str]:
    def read() -> str:
        made.append(name)
        return name

    return read


def test_what_was_read_without_a_fault_is_not_read_again() -> None:
    kept, made = Kept[str](), list[str]()

    found = [kept.read(b"terms", "USD", _reader(made, "one"), Checks()) for _ in range(2)]

    assert (found, made) == (["one", "one"], ["one"])


def test_another_content_or_another_context_is_another_part() -> None:
    kept, made = Kept[str](), list[str]()
    asked = [(b"terms", "USD"), (b"terms", "CNY"), (b"others", "USD")]

    for content, context in asked:
        kept.read(content, context, _reader(made, f"{content!r}{context}"), Checks())

    assert len(made) == 3


def test_a_fault_is_noted_each_time() -> None:
    kept = Kept[str]()

    def read(checks: Checks) -> str:
        checks.refuse("field", "is wrong")
        return "faulty"

    for _ in range(2):
        checks = Checks()
        kept.read(b"terms", None, lambda noting=checks: read(noting), checks)
        assert checks.count_noted == 1


def test_it_starts_again_when_it_is_full_and_keeps_nothing_that_is_too_large() -> None:
    kept, made = Kept[str](capacity_bytes=10, largest_bytes=6), list[str]()

    for content in (b"12345", b"54321", b"abcde", b"12345", b"too large", b"too large"):
        kept.read(content, None, _reader(made, content.decode()), Checks())

    assert made == ["12345", "54321", "abcde", "12345", "too large", "too large"]
