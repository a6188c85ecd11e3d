"""The package's own door: every public name is there, and reading images does not wait for torch."""

import subprocess
import sys

import pytest

import xaiaudit.data


@pytest.mark.parametrize("name", xaiaudit.data.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(xaiaudit.data, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'xaiaudit\.data' has no attribute 'nothing'"):
        _ = xaiaudit.data.nothing


def test_every_public_name_comes_without_torch() -> None:
    code = (
        "import sys, xaiaudit.data as data; [getattr(data, name) for name in data.__all__]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
