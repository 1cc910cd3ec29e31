"""The import contracts in pyproject.toml detect the violations that they should prevent."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter is in the extra `dev`")

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@dataclass(frozen=True)
class Violation:
    """Code that is added to modules of the package, and the line in which import-linter reports it."""

    added: dict[str, str]
    reported: str


VIOLATIONS = {
    "a root module in no layer": Violation(
        {"unlisted.py": "import socket\nimport rxpump.streams.publisher\n"},
        "The following modules are not listed as layers: - rxpump.unlisted",
    ),
    "frames that reach asyncio through a helper": Violation(
        {"model/waiting.py": "import asyncio\n", "tcp/wire/framing.py": "import rxpump.model.waiting\n"},
        "rxpump.tcp.wire is not allowed to import asyncio",
    ),
    "checkpoints that import frames": Violation(
        {"checkpoints/file.py": "import rxpump.tcp.wire.framing\n"},
        "rxpump.checkpoints is not allowed to import rxpump.tcp",
    ),
    "a server that pauses an upstream": Violation(
        {"server/node.py": "import rxpump.backpressure.upstream\n"},
        "rxpump.server is not allowed to import rxpump.backpressure",
    ),
    "a page that knows a protocol": Violation(
        {"ui/routes/info.py": "import rxpump.grpc.features\n"},
        "rxpump.ui is not allowed to import rxpump.grpc",
    ),
    "a stream that reaches protobuf through a value": Violation(
        {"model/frames.py": "import google.protobuf\n", "streams/source.py": "import rxpump.model.frames\n"},
        "rxpump.streams is not allowed to import google",
    ),
    "an operator that imports the whole package": Violation(
        {"operators/_batch.py": "from rxpump import Client\n"},
        "rxpump.operators is not allowed to import rxpump.client",
    ),
    "two packages that import each other": Violation(
        {"server/store/reader.py": "import rxpump.server.groups.groups\n"},
        "- .store -> .groups (1 import)",
    ),
    "one protocol that uses the other": Violation(
        {"grpc/protocol/frames.py": "import rxpump.tcp.wire.package\n"},
        "rxpump.grpc is not allowed to import rxpump.tcp",
    ),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Output of import-linter for a copy of the package that has all these violations."""
    folder = tmp_path_factory.mktemp("violations")
    shutil.copytree(ROOT / "rxpump", folder / "rxpump", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for violation in VIOLATIONS.values():
        for name, code in violation.added.items():
            with (folder / "rxpump" / name).open("a") as module:
                module.write(f"\n{code}")
    command = [sys.executable, "-c", LINT, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    return re.sub(r"\s+", " ", done.stdout)


@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_contracts_find_each_violation(report: str, name: str) -> None:
    assert VIOLATIONS[name].reported in report, report
