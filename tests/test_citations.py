"""Citations: "docs/protocol/tcp.md, section 4.3, row 5" points to a document, a section and a row that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted(
    path
    for folder in ("rxpump", "tests", "benchmarks", "examples", "docs", "proto", "tools")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md", ".proto"} and "node_modules" not in path.parts and path != Path(__file__)
)
_GAP = r"[\s#]+"  # A citation can continue on the next line of a comment.
_NUMBER = r"\d+(?:\.\d+)*"
_NUMBERS = rf"{_NUMBER}(?:(?:,|{_GAP}and|{_GAP}to){_GAP}{_NUMBER})*"
CITATION = re.compile(
    rf"(?:(?P<document>RFC{_GAP}\d+|[\w/-]+\.md)`?\)?,{_GAP})?\b[Ss]ections?{_GAP}(?P<numbers>{_NUMBERS})"
    rf"(?:,{_GAP}(?:row|trap){_GAP}(?P<item>\d+))?"
)
HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", re.MULTILINE)


@dataclass(frozen=True)
class Citation:
    """A citation of sections: the document (None if the text does not name one), the numbers, a row or list item."""

    document: Path | None
    sections: tuple[str, ...]
    item: str | None = None

    def faults(self) -> Iterator[str]:
        """Yield the documents, sections and rows of the citation that do not exist."""
        if self.document is None or not self.document.exists():
            yield f"no such document: {self.document}"
            return
        bodies = sections(self.document)
        for number in self.sections:
            if number not in bodies:
                yield f"no section {number}"
            elif self.item and not re.search(rf"^(\| {self.item} \||{self.item}\. )", bodies[number], re.MULTILINE):
                yield f"no row or item {self.item} in section {number}"


def sections(document: Path) -> dict[str, str]:
    """Return the text of each numbered section, without its subsections, by number."""
    _, *parts = HEADING.split(document.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def citations(path: Path, text: str) -> Iterator[Citation]:
    """Yield each citation of sections; in a document, a section without a document is one of its own."""
    for match in CITATION.finditer(text):
        name = match["document"]
        if name is not None and name.startswith("RFC"):
            continue
        if name is None:
            document = path if path.suffix == ".md" else None
        else:
            document = path.parent / name if path.suffix == ".md" else ROOT / name
        yield Citation(document, tuple(re.findall(_NUMBER, match["numbers"])), match["item"])


def test_every_citation_points_to_an_existing_section() -> None:
    faults = {
        f"{path.relative_to(ROOT)}: {fault}"
        for path in TEXTS
        for citation in citations(path, path.read_text(encoding="utf-8"))
        for fault in citation.faults()
    }
    assert faults == set()


def test_citations_are_found_in_their_different_forms() -> None:
    tcp = ROOT / "docs" / "protocol" / "tcp.md"
    text = "(docs/protocol/tcp.md, section 4.3, row 5), docs/protocol/tcp.md,\n    # sections 3.3, 4.2 to 4.4."
    code = ROOT / "rxpump" / "client.py"
    assert list(citations(code, text)) == [
        Citation(tcp, ("4.3",), "5"),
        Citation(tcp, ("3.3", "4.2", "4.4")),
    ]
    assert list(citations(tcp, "see section 8.")) == [Citation(tcp, ("8",))]
    assert list(citations(ROOT / "docs" / "design.md", "[protocol/tcp.md](protocol/tcp.md), section 4.3")) == [
        Citation(tcp, ("4.3",))
    ]
    assert list(citations(code, "RFC 9112, section 5")) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("docs/protocol/tcp.md, section 9.1", "no section 9.1"),
        ("docs/protocol/tcp.md, section 4.3, row 14", "no row or item 14 in section 4.3"),
        ("docs/design.md, sections 1 and 0.5", "no section 0.5"),
        ("section 4.3", "no such document: None"),
    ],
)
def test_a_citation_of_a_missing_section_is_a_fault(text: str, fault: str) -> None:
    (citation,) = citations(ROOT / "rxpump" / "client.py", text)
    assert list(citation.faults()) == [fault]


@pytest.mark.parametrize(("document", "least"), [("tcp.md", 100), ("grpc.md", 25)])
def test_the_code_cites_the_protocol_documents(document: str, least: int) -> None:
    cited = ROOT / "docs" / "protocol" / document
    code = [path for path in TEXTS if path.suffix == ".py"]
    found = [each.document for path in code for each in citations(path, path.read_text(encoding="utf-8"))]
    assert found.count(cited) >= least
