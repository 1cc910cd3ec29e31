"""The files of a source distribution, and the checks that run before a commit."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_project_names_its_addresses() -> None:
    urls = PYPROJECT["project"]["urls"]
    assert urls.keys() == {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
    assert all(url.startswith(urls["Homepage"]) for url in urls.values())


@pytest.mark.parametrize("name", ["SECURITY.md", ".github/ISSUE_TEMPLATE/config.yml"])
def test_a_file_uses_the_address_of_the_project(name: str) -> None:
    addresses = set(re.findall(r"https://github.com/[\w-]+/[\w-]+", (ROOT / name).read_text()))
    assert addresses == {PYPROJECT["project"]["urls"]["Source"]}


def test_the_classifiers_name_the_tested_versions() -> None:
    classifiers = PYPROJECT["project"]["classifiers"]
    versions = {name.rpartition(" ")[2] for name in classifiers if re.search(r":: 3\.\d+$", name)}
    tested = re.search(r"for version in ([\d. ]+);", (ROOT / "Makefile").read_text())
    assert tested is not None
    assert versions == set(tested[1].split())


def test_a_source_distribution_has_all_that_is_tracked() -> None:
    included = PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is a source distribution")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tops = {f"/{path.partition('/')[0]}" for path in listed.stdout.splitlines()}
    patterns = [re.compile(re.escape(pattern).replace(r"\*", "[^/]*")) for pattern in included]
    missing = {top for top in tops if not any(pattern.fullmatch(top) for pattern in patterns)}
    assert missing <= {"/.gitignore", "/pyproject.toml"}, "hatchling adds these two by itself"


def test_the_hooks_before_a_commit_run_tools_of_the_project() -> None:
    entries = re.findall(r"^ +entry: (.+)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    assert len(entries) >= 4
    assert {entry.split()[0] for entry in entries} == {"tools/in-environment", "make"}
    assert "rev:" not in (ROOT / ".pre-commit-config.yaml").read_text()


def test_a_tool_that_is_not_installed_is_named(tmp_path: Path) -> None:
    done = subprocess.run(["tools/in-environment", "no-such-tool"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no-such-tool is not installed in .venv-3" in done.stderr
    assert "make lint" in done.stderr
