"""What all tests share: shapes checked at run time, one thread a worker, and the folder of real images."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

CHECKED = ("xaiaudit.attacks", "xaiaudit.explainers", "xaiaudit.metrics", "xaiaudit.functional")
install_import_hook(list(CHECKED), "beartype.beartype")


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
