"""What all tests share: shapes checked at run time, one thread a worker, and the folder of real images."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook
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

    return write_phantoms(tmp_path_factory.mktemp("data") / "phantoms", 60, seed=3, size=64).parent


@pytest.fixture(scope="session")
def checkpoint(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network trained for a moment on the phantoms: it decides, and attacks can turn it."""
    return train_small(phantoms, tmp_path_factory.mktemp("model") / "model.pt", "small-cnn")


@pytest.fixture(scope="session")
def audit_folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole audit of the small network on its test split, as the command line makes it; no report."""
    from click.testing import CliRunner

    from xaiaudit.cli import main

    out = tmp_path_factory.mktemp("audits") / "audit"
    methods = ("fgsm", "pgd:epsilon=2/255,steps=5", "deepfool")
    words = [word for method in methods for word in ("--method", method)]
    result = CliRunner().invoke(
        main, ["attack", str(checkpoint), *words, "--out", str(out), "--batch-size", "7", "--no-report"]
    )
    assert result.exit_code == 0, result.output
    return out
