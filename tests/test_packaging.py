"""What is installed: all files of the tree and nothing else, light to import."""

import importlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("xaiaudit", "tests", "examples", "benchmarks", "docs")
SINGLE = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "pyproject.toml",
    "action.yml",
    ".gitignore",
    "PKG-INFO",
)
LIGHT = (
    "xaiaudit.cli",
    "xaiaudit.comparison",
    "xaiaudit.gate",
    "xaiaudit.reports",
    "xaiaudit.metrics",
    "xaiaudit.data",
    "xaiaudit.records",
)


def build(source: Path, target: str, folder: Path) -> Path:
    """Offline, by the backend of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


def tree(folder: str) -> set[str]:
    """Files of the checkout, without what Python leaves behind."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def wheel_files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in memory after the statement, in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    assert wheel_files(build(ROOT, "wheel", tmp_path)) == tree("xaiaudit")


def test_the_sdist_holds_every_file_it_should(sdist: Path) -> None:
    found = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    expected = set().union(*(tree(folder) for folder in SHIPPED)) | set(SINGLE)
    assert found == expected


def test_the_sdist_builds_the_same_wheel(sdist: Path, tmp_path: Path) -> None:
    assert wheel_files(build(sdist, "wheel", tmp_path)) == tree("xaiaudit")


def test_the_package_says_that_it_is_typed() -> None:
    assert "xaiaudit/py.typed" in tree("xaiaudit")


@pytest.mark.parametrize("module", LIGHT)
def test_it_imports_without_torch(module: str) -> None:
    assert not loaded_by(f"import {module}") & {"torch", "torchvision", "timm"}


def test_the_package_itself_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "scipy", "pydantic", "pyarrow", "matplotlib", "sklearn"}
    assert not loaded_by("import xaiaudit") & heavy


@pytest.mark.parametrize("package", ["xaiaudit.attacks", "xaiaudit.explainers", "xaiaudit.models"])
def test_torch_alone_is_enough_to_import(package: str) -> None:
    others = {"pydantic", "pyarrow", "captum", "art", "typst", "timm", "torchvision", "lightning_fabric"}
    assert not loaded_by(f"import {package}") & others


@pytest.mark.parametrize("package", ["xaiaudit", "xaiaudit.data"])
def test_every_public_name_can_be_had(package: str) -> None:
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.skipif(os.name != "posix", reason="links at the root of the checkout need a POSIX file system")
@pytest.mark.parametrize("room", ["attacks", "explainers", "reports"])
def test_the_three_rooms_stand_at_the_door(room: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("an sdist has no links")
    assert (ROOT / room).resolve() == ROOT / "xaiaudit" / room
