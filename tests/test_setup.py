"""The setup of a new machine: the Python that `make` finds, and a clean environment for tests and checks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import KEPT, KEPT_FOR_INTEROP

ROOT = Path(__file__).parents[1]
THIS = "{}.{}".format(*sys.version_info)
OF_ONE_MACHINE = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "FORCE_COLOR": "1",
    "COLUMNS": "20",
    "LANG": "de_DE.ISO-8859-1",
}


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)


def test_the_tests_and_their_children_see_a_clean_environment() -> None:
    one = "tests/test_setup.py::test_a_child_sees_the_kept_variables"
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", one, **OF_ONE_MACHINE)
    assert done.returncode == 0, done.stdout


def ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def test_the_children_of_a_background_job_can_be_interrupted() -> None:
    one = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_setup.py",
        "-k",
        "test_ctrl_c_",
    ]
    done = subprocess.run(one, cwd=ROOT, capture_output=True, text=True, preexec_fn=ignore_ctrl_c)
    assert done.returncode == 0, done.stdout


def test_ctrl_c_interrupts_a_child() -> None:
    child = run(sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT).__name__)")
    assert child.stdout == "default_int_handler\n"


def test_a_child_sees_the_kept_variables() -> None:
    child = run(sys.executable, "-c", "import os; print(*os.environ)")
    by_pytest_and_python = {"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "LC_CTYPE"}
    assert set(child.stdout.split()) <= KEPT | KEPT_FOR_INTEROP | by_pytest_and_python


def test_every_check_of_ci_runs_in_a_clean_environment(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program(tmp_path / "bin" / "make", f'#!/bin/sh\n{{ echo "make $*"; env | cut -d= -f1; }} >>{log}\n')
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = run(".ci/run", PATH=path, **OF_ONE_MACHINE)
    assert done.returncode == 0, done.stderr
    calls = dict(call.split("\n", 1) for call in log.read_text().split("make ")[1:])
    assert {"demo", "lint", "test-all-pythons", "interop"} <= calls.keys()
    checks = [
        variables for target, variables in calls.items() if target != "peers"
    ]  # `make peers` only installs packages.
    seen = {name for variables in checks for name in variables.splitlines()}
    assert seen - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "CI", "ROUNDS"}


def shims(folder: Path) -> dict[str, str]:
    """Make the files that pyenv has for a version that is installed and not active. Return the variables for them."""
    for name in (f"python{THIS}", "python3"):
        program(folder / "shims" / name, "#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n")
    python = folder / "pyenv" / "versions" / f"{THIS}.9" / "bin" / "python"
    program(python, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    return {"PATH": f"{folder / 'shims'}:/usr/bin:/bin", "PYENV_ROOT": str(folder / "pyenv")}


@pytest.mark.parametrize("wanted", [f"python{THIS}", THIS])
def test_a_python_behind_an_inactive_shim_is_found(wanted: str, tmp_path: Path) -> None:
    done = run("tools/find-python", wanted, **shims(tmp_path))
    assert done.stdout.splitlines() == [sys.executable], done.stderr


def test_make_finds_a_python_behind_an_inactive_shim(tmp_path: Path) -> None:
    done = run("make", "python", f"PYTHON=python{THIS}", **shims(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("wanted", ["python3.2", "/nowhere/python", "cat"])
def test_make_names_a_python_that_cannot_be_used(wanted: str) -> None:
    done = run("make", "python", f"PYTHON={wanted}")
    assert done.returncode == 2
    assert f"PYTHON={wanted} cannot be used: rxpump needs Python 3.11 or newer" in done.stderr


def test_a_path_is_that_program_and_no_other() -> None:
    assert run("tools/find-python", sys.executable).stdout.splitlines() == [sys.executable]
    assert run("tools/find-python", "/nowhere/python").returncode == 1
