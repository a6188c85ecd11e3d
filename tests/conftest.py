"""What all tests share: shapes checked at run time, one thread a worker, and the folder of real images."""

import os
from pathlib import Path

import pytest
from jaxtyping import config as jaxtyping_config
from jaxtyping import install_import_hook
from shared_folders import made_once
from small_models import train_small

CHECKED = (
    "xaiaudit.acquisition",
    "xaiaudit.attacks",
    "xaiaudit.explainers",
    "xaiaudit.faithfulness",
    "xaiaudit.metrics",
    "xaiaudit.functional",
)
install_import_hook(list(CHECKED), "beartype.beartype")


def check_shapes(checked: bool) -> None:
    jaxtyping_config.update("jaxtyping_disable", not checked)


# Checking doubles the time of an audit: so of whole audits, those of a network with both heads, and no others.
CHECKED_IN = (
    "acquisition",
    "explainers",
    "faithfulness",
    "metrics",
    "test_attacks_properties.py",
    "test_auditing_multitask.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    named = item.path.name in CHECKED_IN or item.path.parent.name in CHECKED_IN
    check_shapes(named and item.get_closest_marker("unchecked") is None)


def pytest_configure(config: pytest.Config) -> None:
    """ART writes a settings file when it is first imported on a machine; of two workers at once, one fails."""
    if not hasattr(config, "workerinput") and not Path("~/.art/config.json").expanduser().exists():
        import art.config  # noqa: F401


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder that holds busi/, busbra/ and breast_usg/."""
    folder = os.environ.get("XAIAUDIT_TEST_DATA")
    if not folder:
        pytest.skip("real images: set XAIAUDIT_TEST_DATA to a folder that holds busi, busbra and breast_usg")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 60 small phantoms with masks, spacing and a manifest; texture and echo tell them apart."""
    from xaiaudit.data import write_phantoms

    def make(folder: Path) -> None:
        write_phantoms(folder / "phantoms", 60, seed=3, size=64)

    return made_once(tmp_path_factory, "data", make) / "phantoms"


@pytest.fixture(scope="session")
def checkpoint(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network trained for a moment on the phantoms: it decides, and attacks can turn it."""

    def make(folder: Path) -> None:
        train_small(phantoms, folder / "model.pt", "small-cnn")

    return made_once(tmp_path_factory, "model", make) / "model.pt"


@pytest.fixture(scope="session")
def audit_folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole audit of the small network on its test split, as the command line makes it; no report."""
    from click.testing import CliRunner

    from xaiaudit.cli import main

    methods = ("fgsm", "pgd:epsilon=2/255,steps=5", "deepfool")
    words = [word for method in methods for word in ("--method", method)]

    def make(folder: Path) -> None:
        was = jaxtyping_config.jaxtyping_disable
        check_shapes(False)
        options = ["--out", str(folder / "audit"), "--batch-size", "7", "--no-report"]
        result = CliRunner().invoke(main, ["attack", str(checkpoint), *words, *options])
        check_shapes(not was)
        assert result.exit_code == 0, result.output

    return made_once(tmp_path_factory, "audits", make) / "audit"
