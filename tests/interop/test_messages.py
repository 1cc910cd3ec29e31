"""tests/photonpump_messages.py lists the names of the installed photon-pump (`make interop`)."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.photonpump_messages import ENUMS, PROTOCOL, SHARED

PYTHON = os.environ.get("PHOTONPUMP_PYTHON")
# Imported names do not count: a name must be assigned or defined in the module.
LIST_NAMES = """
import ast, json
from photonpump import messages
names = set()
for node in ast.parse(open(messages.__file__).read()).body:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        names.add(node.name)
    elif isinstance(node, ast.Assign):
        names.update(target.id for target in node.targets if isinstance(target, ast.Name))
enums = {name: dict(getattr(messages, name).__members__) for name in ("ExpectedVersion", "StreamDirection")}
print(json.dumps([sorted(name for name in names if not name.startswith("_")), enums]))
"""


@pytest.mark.skipif(PYTHON is None, reason="needs the environment of photon-pump: make interop")
def test_the_names_are_those_of_photonpump() -> None:
    assert PYTHON is not None
    done = subprocess.run([PYTHON, "-c", LIST_NAMES], capture_output=True, text=True, check=True)
    names, enums = json.loads(done.stdout)
    assert set(names) == SHARED | PROTOCOL
    assert enums == ENUMS
