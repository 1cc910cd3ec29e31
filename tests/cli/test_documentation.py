"""The shell blocks of docs/command-line.md run, and their output is the documented one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rxpump
from tests.cli.processes import address_of, as_admin
from tests.pages import ROOT

PAGE = ROOT / "docs" / "command-line.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
NOT_EXECUTED = re.compile(r"^export |rxpump (?:serve|tail|top|completion|cluster|ui) |--watch", re.MULTILINE)
"""Matches blocks that are not executed: commands that run until Ctrl-C (tested elsewhere), and shell settings."""

SHELL = f'set -e\nrxpump() {{ "{sys.executable}" -m rxpump "$@"; }}\n'


@pytest.fixture
def uri() -> Iterator[str]:
    with rxpump.open("memory://") as store:
        yield as_admin(address_of(store))


def matches(expected: str, line: str) -> bool:
    """Return whether a line is the expected one, in which … stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line) is not None


def test_the_blocks_run_and_write_their_output(uri: str, tmp_path: Path) -> None:
    executed = 0
    for code, expected in BLOCK.findall(PAGE.read_text()):
        if NOT_EXECUTED.search(code):
            continue
        done = subprocess.run(
            ["sh", "-c", SHELL + code],
            cwd=tmp_path,
            env={**os.environ, "RXPUMP_URI": uri, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{code}{done.stderr}"
        written = done.stdout.splitlines()
        assert len(written) == len(expected.splitlines()), f"{code}{done.stdout}"
        for said, line in zip(expected.splitlines(), written, strict=True):
            assert matches(said, line), f"{code}\nexpected: {said}\nwritten:  {line}"
        executed += 1
    assert executed >= 8
