"""The marble diagrams of docstrings are read completely, and wrong ones are refused."""

from __future__ import annotations

import pytest

from tools.docs_site.pictures.marbles import (
    Diagram,
    End,
    Item,
    Subscription,
    Timeline,
    colors,
    describe,
    is_marbles,
    parse,
)

BATCH = """
    ──a──b──c──d──────────e──|
           batch(3, max_time=5)
    ────────[abc]────[d]─────[e]|
"""
RETRY = """
──a──b──X     ──c──▶       the first fails
  retry_with_backoff()
──a──b──────────X NotJson
"""


def line(text: str) -> Timeline:
    return parse(text).timelines[0]


def test_items_have_the_column_of_their_first_character() -> None:
    source, batches = parse(BATCH).timelines
    assert [(item.label, item.column) for item in source.items] == [
        ("a", 2),
        ("b", 5),
        ("c", 8),
        ("d", 11),
        ("e", 22),
    ]
    assert [(item.label, item.column) for item in batches.items] == [("[abc]", 8), ("[d]", 17), ("[e]", 25)]
    assert batches.subscriptions[0].end == 28


def test_a_line_without_dashes_is_an_operator() -> None:
    assert parse(BATCH).operators == ("batch(3, max_time=5)",)


def test_labels_can_contain_spaces() -> None:
    assert [item.label for item in line('──Event({"m": 1})──b──|').items] == ['Event({"m": 1})', "b"]


@pytest.mark.parametrize(
    ("text", "how", "error", "note"),
    [
        ("──a──|", End.COMPLETED, "", ""),
        ("──a──▶", End.CONTINUES, "", ""),
        ("──a──X", End.FAILED, "", ""),
        ("──a──X NotJson", End.FAILED, "NotJson", ""),
        ("──a──|   b, later", End.COMPLETED, "", "b, later"),
        ("──a──X NotJson  at once", End.FAILED, "NotJson", "at once"),
    ],
)
def test_the_end_of_a_timeline_is_parsed(text: str, how: End, error: str, note: str) -> None:
    assert line(text) == Timeline((Subscription(0, 5, (Item(2, "a"),), how, error),), note)


def test_a_second_subscription_begins_after_a_failure() -> None:
    first, second = line(RETRY).subscriptions
    assert (first.start, first.end, first.how, [item.label for item in first.items]) == (0, 8, End.FAILED, ["a", "b"])
    assert (second.start, second.how, second.items) == (14, End.CONTINUES, (Item(16, "c"),))


def test_a_description_has_all_that_the_diagram_shows() -> None:
    assert describe(parse(RETRY)) == (
        "Source: a, b, failed, then a new subscription: c, and so on (the first fails). "
        "After retry_with_backoff(): a, b, failed with NotJson."
    )


@pytest.mark.parametrize("text", ["", "──a──", "──a──|\n──a──|", "──a──|\nmap()", "map()\n──a──|\nmap()"])
def test_text_that_is_no_diagram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"timeline"):
        parse(text)


def test_only_code_that_begins_with_a_timeline_is_a_diagram() -> None:
    assert is_marbles(BATCH)
    assert not is_marbles("client.iter('a')  # ──a──|")


def test_an_item_has_the_color_of_what_it_is_made_of() -> None:
    def of(text: str) -> list[list[int | None]]:
        return colors(parse(text), 6)

    assert of("──a──b──a──|\nf()\n──a──b──|") == [[0, 1, 0], [0, 1]], "the same label"
    assert of("──a──b──|\nf()\n───────fn(b)──fn(a)──|")[1] == [1, 0], "a label that contains the other"
    assert of("──1──2──|\nf()\n──r2──r1──|")[1] == [1, 0], "a number"
    assert of("──a──d──|\nf()\n──a──d───FellBehind──|")[1] == [0, 1, None], "a letter is not enough"
    assert of('──Event("m")──|\nf()\n───────"m"──|')[1] == [0]
    assert of("──a──b──|\nf()\n──p──q──|\ng()\n─────x──|") == [[0, 1], [0, 1], [1]], "the same column"
    assert of(BATCH)[1] == [None, 3, 4], "a list of several items"
    assert of("──a─b─c─d─e─f─g──|\nf()\n──|")[0] == [0, 1, 2, 3, 4, 5, 0], "colors are used again"
    assert of("──a──|\nf()\n──────z──|")[1] == [None]


def test_a_diagram_is_a_value() -> None:
    timeline = Timeline((Subscription(0, 2, (), End.COMPLETED),))
    assert parse("──|\nf()\n──|") == Diagram((timeline, timeline), ("f()",))
