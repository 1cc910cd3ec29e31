"""The Python blocks of the documentation run over gRPC, and print the same as over TCP."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.certificates import authority, certificate_files
from tests.grpc.embedded_node import use_grpc
from tests.pages import ROOT, blocks
from tests.test_readme import EXECUTED, run, run_program

PREPARATION = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.grpc.embedded_node import use_grpc_in_this_process
use_grpc_in_this_process()
"""


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.name)
async def test_every_block_runs_over_grpc(
    page: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_grpc(monkeypatch)
    certificate_files(tmp_path, "127.0.0.1")
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    for block in blocks(page):
        if block.is_program:
            printed = await run_program(replace(block, code=PREPARATION + block.code))
        else:
            await run(block, vars(module))
            printed = capsys.readouterr().out
        assert printed.splitlines() == block.output, f"{page.name}:{block.line}"
