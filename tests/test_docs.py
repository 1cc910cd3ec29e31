"""The documentation matches the repository: its links, the files it names, and the commands it shows."""

from __future__ import annotations

import re
import shlex
import tomllib
from itertools import groupby
from pathlib import Path

import click
import pytest

from rxpump.cli.commands import rxpump
from tests.pages import ALL_PAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = f"{PROJECT['urls']['Source']}/blob/main/"
DEFINITION = re.compile(rf"^\[([^\]]+)\]: {re.escape(FILES)}([^#\n]*)(#\S*)?$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
NAMED = re.compile(r"`((?:rxpump|tests|proto|docs|examples|benchmarks|tools)/[^`\s]*|\.ci/[^`\s]*)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LIST_ITEM = re.compile(r"(?:[*-]|\d+\.) ")
LANGUAGES = {"ini", "python", "sh", "text"}

page_by_page = pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the names to which a link into a page can point."""
    text = page.read_text()
    headings = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(text)
    }
    return headings | set(re.findall(r'<a id="([^"]+)">', text))


def indented_blocks(text: str) -> list[str]:
    """Return the paragraphs that are code because they are indented, and not because they belong to a list item."""
    found = []
    is_in_list = False
    for paragraph in re.findall(r"(?:.+\n?)+", text):
        if not paragraph.startswith(" "):
            last = [line for line in paragraph.splitlines() if not line.startswith(" ")][-1]
            is_in_list = LIST_ITEM.match(last) is not None
        elif paragraph.startswith("    ") and not is_in_list:
            found.append(paragraph.rstrip())
    return found


def shell_commands(page: Path) -> list[list[str]]:
    """Return the words of each command in the `sh` blocks of a page and in its code marks."""
    text = page.read_text()
    lines = [line for _, language, code in FENCE.findall(text) if language == "sh" for line in code.splitlines()]
    marked = re.findall(r"`((?:make|rxpump|pip install) [^`]+)`", text)
    return [words for line in [*lines, *marked] if (words := shlex.split(line, comments=True))]


@page_by_page
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    paths = [page.parent / path for path, _ in LINK.findall(text) if path]
    paths += [ROOT / path for _, path, _ in DEFINITION.findall(text)]
    paths += [ROOT / path for path in NAMED.findall(text)]
    assert [path for path in paths if not path.exists()] == []


@page_by_page
def test_links_point_to_headings_that_exist(page: Path) -> None:
    text = page.read_text()
    links = [((page.parent / path).resolve() if path else page, anchor) for path, anchor in LINK.findall(text)]
    links += [(ROOT / path, anchor) for _, path, anchor in DEFINITION.findall(text)]
    missing = [(path, anchor) for path, anchor in links if anchor and anchor[1:] not in anchors(path)]
    assert missing == []


def test_links_and_files_are_found() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(DEFINITION.findall(text)) >= 20
    assert len(NAMED.findall((ROOT / "docs" / "architecture.md").read_text())) >= 20


def test_links_of_the_readme_work_on_a_package_index() -> None:
    text = (ROOT / "README.md").read_text()
    assert [path for path, _ in LINK.findall(text) if path] == [], (
        "define them as [path]: absolute address, at the end"
    )
    defined = {label for label, _, _ in DEFINITION.findall(text)}
    paths = {f"{path}{anchor}" for _, path, anchor in DEFINITION.findall(text)}
    assert defined == paths, "the label of a link is its path"
    used = set(re.findall(r"\]\[([^\]]+)\]", text)) | {
        label for label in defined if f"[{label}]" in text.split(FILES)[0]
    }
    assert used == defined


@page_by_page
def test_every_code_block_names_its_language(page: Path) -> None:
    text = page.read_text()
    assert {language for _, language, _ in FENCE.findall(text)} <= LANGUAGES
    assert indented_blocks(FENCE.sub("", text)) == []


@page_by_page
def test_make_targets_on_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {command[1] for command in shell_commands(page) if command[0] == "make"}
    assert shown <= targets


@page_by_page
def test_rxpump_commands_on_a_page_exist(page: Path) -> None:
    for words in (words for line in shell_commands(page) for words in rxpump_commands(line)):
        command, options = found(rxpump, words)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.partition("=")[0] for word in options if word.startswith("--")}
        assert used <= known | {"--help"}, words
        if "--help" not in options and not isinstance(command, click.Group):
            command.make_context(words[0], options, resilient_parsing=True)


def found(command: click.Command, words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the subcommand that words begin with, and the rest of the words."""
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        subcommand = command.get_command(click.Context(command), words[0])
        assert subcommand is not None, words
        return found(subcommand, words[1:])
    return command, words


def rxpump_commands(words: list[str]) -> list[list[str]]:
    """Return the arguments of each `rxpump` in a line of shell commands."""
    found = []
    for is_operator, part in groupby(words, key=lambda word: word in {"|", ">", "<", "<<END", "&&", ";"}):
        command = list(part)
        if not is_operator and command[0] == "rxpump":
            found.append(command[1:])
    return found


@page_by_page
def test_extras_on_a_page_exist(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = [word for command in shell_commands(page) for word in command]
    shown = {extra for word in words for extras in re.findall(r"^\.\[(.+)\]$", word) for extra in extras.split(",")}
    assert shown <= project["optional-dependencies"].keys()


def test_commands_and_indented_code_are_found() -> None:
    programs = {command[0] for page in ALL_PAGES for command in shell_commands(page)}
    assert {"make", "rxpump", "pip"} <= programs
    assert indented_blocks("Text:\n\n    code\n\n- item\n\n    its text") == ["    code"]
