"""The pictures are well-formed, and have descriptions in text. Those in `docs/` are up to date."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rxpump import operators
from tests.pages import ALL_PAGES, ROOT
from tools.docs_site.blocks import converted
from tools.docs_site.pictures import svg
from tools.docs_site.pictures.boxes import Box
from tools.docs_site.pictures.files import FILES, inlined

SVG = "{http://www.w3.org/2000/svg}"
DOCS = ROOT / "docs"
FUNCTIONS = [name for name in operators.__all__ if inspect.isfunction(getattr(operators, name))]


def docstring(name: str) -> str:
    return inspect.getdoc(getattr(operators, name)) or ""


def drawn(name: str) -> ElementTree.Element:
    """Return the picture of the marble diagram of an operator."""
    return picture(converted(docstring(name), name))


def picture(text: str) -> ElementTree.Element:
    found = re.search(r"<svg.*</svg>", text, re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found[0])


def texts(element: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text")]


def numbers(element: ElementTree.Element) -> Iterator[tuple[float, float]]:
    """Yield the corners of all rectangles, and the points of all lines of text."""
    for each in element.iter():
        x, y = (float(each.get(name, "0").removesuffix("%")) for name in ("x", "y"))
        yield x, y
        if each.tag == f"{SVG}rect" and each.get("class") != "background":
            yield x + float(each.get("width", "0")), y + float(each.get("height", "0"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_marbles_of_an_operator_are_drawn(name: str) -> None:
    element = drawn(name)
    marbles = docstring(name).partition("    ──")[2].partition("\n\n")[0]
    shown = texts(element)
    assert len(shown) > 2
    assert all(text in f"──{marbles}" for text in shown), "it shows nothing else"
    width, height = (float(element.get(side, "0")) for side in ("width", "height"))
    assert all(0 <= x <= width and 0 <= y <= height for x, y in numbers(element)), "nothing is cut off"


def test_the_operators_are_found() -> None:
    assert len(FUNCTIONS) >= 25


def test_the_text_and_the_example_stay_below_the_picture() -> None:
    page = converted(docstring("batch"), "batch")
    assert "\n<details><summary>As text</summary><pre>──a──b──c──d──────────e──|\n" in page
    assert "\n```python\nclient.stream(" in page
    assert "──|\n\n    client" not in page
    assert page.endswith(docstring("batch").partition("insert_many))\n\n")[2].rstrip())


def test_code_in_a_docstring_is_marked_as_python() -> None:
    assert converted("Do.\n\n    a = 1\n\n    b = 2\n\nMore.", "x") == (
        "Do.\n\n```python\na = 1\n\nb = 2\n```\n\nMore."
    )


def test_an_example_of_a_docstring_is_code() -> None:
    assert converted("Do.\n\nReturns:\n    A text.\n\nExample:\n    a = 1\n\n    b = 2\n", "x") == (
        "Do.\n\nReturns:\n    A text.\n\n**Example:**\n\n```python\na = 1\n\nb = 2\n```"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Do.",
        "Do.\n\nArgs:\n    a: Number.\n        More.\n\nReturns:\n    A text.\n\n    More about it.",
        "Do.\n\n- One\n\n    more of it\n\nEnd.",
    ],
)
def test_other_text_is_not_changed(text: str) -> None:
    assert converted(text, "x") == text


@pytest.mark.parametrize("name", FILES)
def test_a_picture_of_the_documentation_is_up_to_date(name: str) -> None:
    assert (DOCS / "pictures" / name).read_text() == FILES[name](), "run python -m tools.docs_site.pictures"


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.svg")), ids=lambda path: path.name)
def test_a_picture_can_be_read_by_a_screen_reader(path: Path) -> None:
    element = ElementTree.fromstring(path.read_text())
    title, text = element[:2]
    assert element.get("role") == "img"
    assert element.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"
    assert title.text
    assert text.text
    assert "prefers-color-scheme: dark" in path.read_text()
    assert not re.search(r'(?:fill|stroke)="', path.read_text()), "colors belong to the rules"


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {
        (page.parent / path).resolve()
        for page in ALL_PAGES
        for path in re.findall(r"!\[[^\]]+\]\((\S+\.svg)\)", page.read_text())
    }
    assert shown == set(DOCS.rglob("*.svg"))


def test_a_page_of_the_site_contains_its_pictures() -> None:
    page = inlined("Text.\n\n![The life](../pictures/subscription.svg)\n\nMore.", DOCS / "explanation")
    assert page.startswith('Text.\n\n<figure class="drawing" data-search-exclude>\n<svg ')
    assert page.endswith("</svg>\n</figure>\n\nMore.")
    assert "<style>" not in page
    assert 'class="background"' not in page
    assert "\n\n" not in page.partition("<figure")[2].partition("</figure>")[0], "Markdown would end the block there"


def test_pictures_have_colors_for_both_schemes() -> None:
    light, dark = re.findall(r"\{ (--picture.*) \}", svg.stylesheet())
    names = re.compile(r"--picture-[\w-]+(?=:)")
    assert names.findall(light) == names.findall(dark)
    used = set(re.findall(r"var\((--picture-[\w-]+)\)", svg.stylesheet()))
    assert used == set(names.findall(light))


def test_special_characters_are_escaped() -> None:
    element = ElementTree.fromstring(
        svg.picture(9, 9, [svg.words(1, 2, 'a<b & "c"')], name="x", title="<&>", text='"')
    )
    assert texts(element) == ['a<b & "c"']
    assert element[0].text == "<&>"


@pytest.mark.parametrize(
    ("points", "corners"),
    [
        ([(0.0, 5.0), (20.0, 5.0)], "20,5 11,9.5 11,0.5"),
        ([(20.0, 5.0), (0.0, 5.0)], "0,5 9,0.5 9,9.5"),
        ([(5.0, 0.0), (5.0, 20.0)], "5,20 0.5,11 9.5,11"),
    ],
)
def test_an_arrow_points_to_its_end(points: list[tuple[float, float]], corners: str) -> None:
    line, tip = map(ElementTree.fromstring, svg.arrow(points))
    assert tip.get("points") == corners
    assert line.get("points", "").split()[0] == f"{points[0][0]:g},{points[0][1]:g}"


def test_the_lines_of_a_box_are_inside() -> None:
    box = Box(10, 20, 100, 60, "Title", ["one", "two"])
    rectangle, *lines = map(ElementTree.fromstring, box.draw())
    assert [line.text for line in lines] == ["Title", "one", "two"]
    assert {line.get("x") for line in lines} == {f"{box.middle:g}"}
    assert all(20 < float(line.get("y", "0")) < box.bottom for line in lines)
    assert rectangle.get("class") == "box"
