"""The dependencies of the installed package, and the modules that an import loads."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from contextlib import chdir
from importlib.metadata import metadata, version
from pathlib import Path
from zipfile import ZipFile

import pytest

import rxpump

ROOT = Path(__file__).parents[1]
CORE = {"rxpump", "google", "reactivex", "asyncio_throttle", "h11"}
CORE_OF_CORE = {"typing_extensions"}  # dependencies of the dependencies
USED_WHERE_INSTALLED = {"orjson"}

IMPORTED = """
import sys
before = set(sys.modules)
import rxpump
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that `import rxpump` loads in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_rxpump_loads_only_core_dependencies(imported: set[str]) -> None:
    packages = {name.partition(".")[0] for name in imported}
    assert packages - set(sys.stdlib_module_names) <= CORE | CORE_OF_CORE | USED_WHERE_INSTALLED


@pytest.mark.parametrize("part", ["rxpump.server", "rxpump.cli", "rxpump.grpc", "hpack", "sqlite3", "click", "rich"])
def test_importing_rxpump_does_not_load_optional_parts(part: str, imported: set[str]) -> None:
    assert part not in imported


@pytest.mark.parametrize("name", ["errors.WrongExpectedVersion", "operators.map_async"])
def test_importing_rxpump_makes_submodules_available(name: str) -> None:
    subprocess.run([sys.executable, "-c", f"import rxpump; rxpump.{name}"], check=True)


def test_every_name_in_all_is_there() -> None:
    assert [name for name in rxpump.__all__ if not hasattr(rxpump, name)] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'rxpump' has no attribute 'unicorns'"):
        rxpump.unicorns  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_the_same_everywhere() -> None:
    assert rxpump.__version__ == version("rxpump")
    assert f"## {rxpump.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_core_has_five_dependencies() -> None:
    wanted = metadata("rxpump").get_all("Requires-Dist") or []
    assert sorted(each.split(">=")[0] for each in wanted if "extra ==" not in each) == [
        "asyncio-throttle",
        "h11",
        "hpack",
        "protobuf",
        "reactivex",
    ]


def test_the_web_page_is_in_the_wheel_and_the_source_distribution(tmp_path: Path) -> None:
    backend = pytest.importorskip("hatchling.build", reason="the build backend is a development dependency")
    page = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rxpump" / "ui" / "static").rglob("*.*")}
    assert {path.rpartition(".")[2] for path in page} == {"html", "css", "js", "svg"}
    with chdir(ROOT), ZipFile(tmp_path / backend.build_wheel(str(tmp_path))) as wheel:
        assert page <= set(wheel.namelist())
    with chdir(ROOT), tarfile.open(tmp_path / backend.build_sdist(str(tmp_path))) as sdist:
        assert page <= {name.partition("/")[2] for name in sdist.getnames()}


def test_the_compiled_schema_is_that_of_proto(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="the compiler is a development dependency")
    compiled = tmp_path / "eventstore.binpb"
    compile = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'proto'}"]
    subprocess.run([*compile, f"--descriptor_set_out={compiled}", "eventstore.proto"], check=True)
    assert compiled.read_bytes() == (ROOT / "rxpump" / "tcp" / "wire" / "eventstore.binpb").read_bytes(), (
        "run `make proto`"
    )
