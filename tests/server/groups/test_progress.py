from __future__ import annotations

from random import Random

from rxpump.server.groups.progress import Progress


def test_progress_ends_at_the_first_gap() -> None:
    progress = Progress(-1)
    for number in range(4):
        progress.begin(number)
    assert progress.last_completed == -1
    progress.done(1)
    progress.done(2)
    assert progress.last_completed == -1
    progress.done(0)
    assert progress.last_completed == 2
    assert repr(progress) == "<Progress: completed up to 2, 1 pending>"


def test_numbers_that_never_begin_are_completed() -> None:
    progress = Progress(4)
    progress.begin(9)
    assert progress.last_completed == 8
    progress.begin(12)
    assert progress.last_completed == 8
    progress.done(9)
    assert progress.last_completed == 11
    progress.done(12)
    assert progress.last_completed == 12


def test_numbers_complete_in_any_order() -> None:
    random = Random(1)
    numbers = list(range(50))
    progress = Progress(-1)
    for number in numbers:
        progress.begin(number)
    random.shuffle(numbers)
    for count, number in enumerate(numbers, 1):
        progress.done(number)
        left = numbers[count:]
        assert progress.last_completed == (min(left) - 1 if left else 49)
