"""The generated pages of the documentation site are complete, and the links of the others are converted."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import fields
from importlib import import_module

import pytest

from rxpump import errors, operators
from rxpump.backoff import Backoff
from rxpump.settings import Settings
from rxpump.uri.grpc import ADDRESS_OPTIONS, OPTIONS_BY_FIELD
from rxpump.uri.options import OPTIONS
from rxpump.uri.parse import parse
from tests import public_api
from tests.pages import ALL_PAGES, ROOT
from tools.docs_site import api_pages, commands_page, errors_page, settings_page
from tools.docs_site.citations import linked
from tools.docs_site.links import PAGES_OF_ROOT, for_site
from tools.docs_site.remedies import REMEDIES
from tools.docs_site.tables import table, with_plain_code

FILES = "https://example.com/blob/main/"
RAW = FILES.replace("/blob/", "/raw/")
ENTRIES = [
    *settings_page.settings(),
    *settings_page.reconnecting(),
    *settings_page.of_grpc(),
    *settings_page.of_embedded(),
]
EXAMPLES = [uri for entry in ENTRIES for uri, _ in entry.examples]


def headings(page: str) -> list[str]:
    return re.findall(r"^#{2,} (.+)$", page, re.MULTILINE)


def test_every_setting_is_described_with_its_default() -> None:
    assert [entry.name for entry in settings_page.settings()] == [field.name for field in fields(Settings)]
    assert [entry.name for entry in settings_page.reconnecting()] == [f"reconnect.{f.name}" for f in fields(Backoff)]
    assert all(entry.text for entry in ENTRIES)
    assert "### timeout\n\nType `float | None`, default `10.0`.\n\nTime from a call" in settings_page.render()


def test_every_setting_is_in_one_section() -> None:
    grouped = [name for names in settings_page.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(field.name for field in fields(Settings))
    shown = headings(settings_page.render())
    assert [shown.index(title) for title in settings_page.GROUPS] == sorted(map(shown.index, settings_page.GROUPS))


def test_settings_of_tcp_are_no_options_of_grpc_and_are_marked() -> None:
    of_tcp = set(settings_page.GROUPS["Over TCP only"])
    assert of_tcp == {field.name for field in fields(Settings)} & OPTIONS.keys() - OPTIONS_BY_FIELD.keys()
    assert of_tcp == {entry.name for entry in settings_page.settings() if entry.text.endswith("TCP only.")}
    introduction = (inspect.getdoc(Settings) or "").partition("Attributes:")[0]
    assert of_tcp == set(re.findall(r"`([a-z_]+)`", introduction))


def test_every_option_of_a_connection_string_has_an_example() -> None:
    shown = {uri.rpartition("?")[2].rpartition("&")[2].partition("=")[0] for uri in EXAMPLES}
    assert OPTIONS.keys() <= shown
    assert {option.name for option in ADDRESS_OPTIONS} <= shown
    assert {"strictness", "projections"} <= shown


@pytest.mark.parametrize("uri", EXAMPLES)
def test_the_connection_string_of_a_setting_is_accepted(uri: str) -> None:
    parse(uri)


@pytest.mark.parametrize("name", ["timeout", "tls_ca", "gossip_interval", "name"])
def test_both_protocols_set_the_same_setting(name: str) -> None:
    entry = next(entry for entry in ENTRIES if entry.name == name)
    tcp, grpc = (parse(uri)[1] for uri, _ in entry.examples)
    assert getattr(tcp, name) == getattr(grpc, name) != getattr(Settings(), name)


def test_every_error_has_a_cause_and_a_remedy() -> None:
    shown = [error.__name__ for _, error in errors_page.in_tree_order()]
    assert set(errors.__all__) <= set(shown)
    assert {"StoreError", "NotRunning"} <= set(shown), "errors of other modules are shown too"
    assert headings(errors_page.render()) == shown
    assert sorted(REMEDIES) == sorted(shown)
    assert "\n**Cause:** \n" not in errors_page.render()


def test_an_error_has_its_attributes_and_its_base_class() -> None:
    section = errors_page.render().partition("## WrongExpectedVersion\n")[2].partition("\n## ")[0]
    assert (
        "`rxpump.errors.WrongExpectedVersion`. A subclass of [ServerError](#servererror). Not retryable." in section
    )
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == ["stream", "expected", "current"]


def test_every_command_is_described_with_its_options() -> None:
    page = commands_page.render()
    names = [name for name, _ in commands_page.commands()]
    assert {"rxpump read", "rxpump serve", "rxpump groups parked replay"} <= set(names)
    assert headings(page) == names
    for _, command in commands_page.commands():
        assert command.help
        for parameter in command.params:
            assert all(option in page for option in parameter.opts if option.startswith("--"))


def test_every_public_module_has_a_page() -> None:
    assert api_pages.MODULES.keys() == set(public_api.MODULES) - {"rxpump.errors"}
    assert all(import_module(module).__all__ for module in api_pages.MODULES)
    assert "::: rxpump.operators" in api_pages.render("rxpump.operators")


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("docs/grpc.md", "[a](clusters.md#x)", "[a](clusters.md#x)"),
        ("docs/grpc.md", "[a](../README.md#x)", "[a](index.md#x)"),
        ("docs/grpc.md", "[a](../tests/test_uri.py)", f"[a]({FILES}tests/test_uri.py)"),
        ("docs/how-to/logging.md", "[a](../grpc.md)", "[a](../grpc.md)"),
        ("docs/how-to/logging.md", "[a](../../CHANGELOG.md)", "[a](../changelog.md)"),
        ("docs/grpc.md", "[a](#x) [b](https://example.com/)", "[a](#x) [b](https://example.com/)"),
        ("README.md", "[a](docs/grpc.md)", "[a](grpc.md)"),
        ("README.md", f"[x]: {FILES}docs/grpc.md#y", "[x]: grpc.md#y"),
        ("README.md", f"[x]: {FILES}rxpump/settings.py", f"[x]: {FILES}rxpump/settings.py"),
        ("README.md", "[x]: https://example.com/", "[x]: https://example.com/"),
        ("README.md", f"[![a]({RAW}docs/ui/live.png)][x]", "[![a](ui/live.png)][x]"),
        ("README.md", f"![a]({RAW}other.png)", f"![a]({RAW}other.png)"),
    ],
)
def test_links_work_on_the_site(source: str, text: str, expected: str) -> None:
    assert for_site(text, source, FILES) == expected


def test_the_navigation_has_every_page() -> None:
    config = (ROOT / "mkdocs.yml").read_text()
    shown = set(re.findall(r": ([\w/-]+\.md)$", config, re.MULTILINE))
    pages = {str(page.relative_to(ROOT / "docs")) for page in ALL_PAGES if "docs" in page.parts}
    generated = {"reference/settings.md", "reference/errors.md", "reference/commands.md"}
    assert shown == pages | generated | {*map(api_pages.page_of, api_pages.MODULES), *PAGES_OF_ROOT.values()}


def test_the_site_and_the_package_name_one_repository() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"repo_url: {project['urls']['Source']}\n" in (ROOT / "mkdocs.yml").read_text()


def test_bars_in_code_are_escaped_only_where_markdown_needs_it() -> None:
    assert table(["a|b"], [["`c|d` e|f"]]) == "| a\\|b |\n| --- |\n| `c|d` e\\|f |"
    page = "`a \\| b`\n\n| `c \\| d` | e \\| f |\n"
    assert with_plain_code(page) == "`a \\| b`\n\n| `c | d` | e \\| f |\n"


def test_a_citation_is_a_link_to_its_section() -> None:
    text = "See (docs/protocol/tcp.md, sections 4.15, 4.18) and `docs/operators.md`.".replace(", ", ",\n    ", 1)
    assert linked(text, "../") == (
        "See ([docs/protocol/tcp.md, sections 4.15](../protocol/tcp.md#415-volatile-subscriptions), 4.18) "
        "and [docs/operators.md](../operators.md)."
    )


def test_a_citation_of_a_section_that_does_not_exist_fails() -> None:
    with pytest.raises(KeyError, match="99"):
        linked("docs/protocol/tcp.md, section " + "99", "")


def test_all_citations_of_the_package_have_a_target() -> None:
    sources = [path.read_text() for path in sorted((ROOT / "rxpump").rglob("*.py"))]
    links = [link for source in sources for link in re.findall(r"\]\((docs:\S+)\)", linked(source, "docs:"))]
    assert len(links) > 100


def test_the_table_of_operators_has_links_to_their_descriptions() -> None:
    page = api_pages.with_links_to_operators((ROOT / "docs" / "operators.md").read_text())
    names = re.findall(
        r"^\| \[`(\w+)\(.*?\)`\]\(reference/api/rxpump-operators\.md#rxpump\.operators\.\1\) \|", page, re.M
    )
    assert set(names) == {name for name in operators.__all__ if inspect.isfunction(getattr(operators, name))}
