"""The bars of the benchmarks show the values that were measured."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks import picture
from benchmarks.definitions import FLOOR, PHOTONPUMP, RXPUMP, SINK, Metric
from benchmarks.report import compared
from benchmarks.summary import Row, Spread
from benchmarks.workloads import WORKLOADS

SVG = "{http://www.w3.org/2000/svg}"
WORKLOAD = next(workload for workload in WORKLOADS if workload.key == "R1")


def row(**values: float) -> Row:
    names = {"rxpump": RXPUMP, "photonpump": PHOTONPUMP, "floor": FLOOR, "sink": SINK}
    spreads = {names[name]: Spread(value, value * 0.9, value * 1.1) for name, value in values.items()}
    return Row(WORKLOAD, "sqlite", WORKLOAD.figures[0].metric, spreads, {}, ())


ROWS = [row(sink=200_000, floor=100_000, rxpump=80_000, photonpump=10_000)]


def bars(drawn: str) -> dict[str, float]:
    """Return the widths of the bars by the label before each."""
    root = ElementTree.fromstring(drawn)
    found = {}
    label = ""
    for each in root:
        if each.tag == f"{SVG}text" and each.get("text-anchor") == "end":
            label = each.text or ""
        if (each.get("class") or "").startswith("bar-"):
            found[label] = float(each.get("width", "0"))
    return found


def texts(drawn: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("draw", [picture.summary, picture.bars])
def test_the_width_of_a_bar_is_proportional_to_the_median(draw: object) -> None:
    assert callable(draw)
    shown = bars(draw(ROWS))
    assert shown["rxpump"] / shown["floor"] == pytest.approx(0.8, abs=0.01)
    assert shown["photon-pump"] / shown["floor"] == pytest.approx(0.1, abs=0.01)
    assert {"80k", "10k", "100k"} <= set(texts(draw(ROWS)))


def test_the_summary_begins_with_rxpump_and_leaves_out_the_sink() -> None:
    assert list(bars(picture.summary(ROWS))) == ["rxpump", "photon-pump", "floor"]


def test_the_panels_of_the_summary_do_not_overlap() -> None:
    root = ElementTree.fromstring(picture.summary(ROWS * 3))
    places = [(float(each.get("x", "0")), float(each.get("y", "0"))) for each in root.iter(f"{SVG}rect")][1:]
    assert len(set(places)) == len(places) == 9
    assert max(y for _, y in places) + 16 < float(root.get("height", "0"))


def test_a_description_has_every_value() -> None:
    described = ElementTree.fromstring(picture.bars(ROWS))[1].text or ""
    assert "sink 200k, floor 100k, rxpump 80k, photon-pump 10k" in described
    assert "more is better" in described


def test_lines_rise_with_the_cost() -> None:
    cost = Row(WORKLOAD, "sqlite", Metric.COST, {"10": Spread(1, 1, 1), "100": Spread(2, 2, 3)}, {}, ())
    small, large = ElementTree.fromstring(picture.lines([cost])).iter(f"{SVG}circle")
    assert float(small.get("cx", "0")) < float(large.get("cx", "0"))
    assert float(small.get("cy", "0")) > float(large.get("cy", "0"))


def test_only_rows_with_rxpump_and_another_client_are_compared() -> None:
    alone = row(rxpump=1.0)
    assert compared([alone, *ROWS]) == ROWS
