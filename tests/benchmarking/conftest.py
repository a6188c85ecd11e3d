"""Two benchmarks that several tests look at: the example of the project, and one with models that fail."""

from pathlib import Path

import pytest
from benchmark_nets import Benchmarked
from click.testing import CliRunner

from xaiaudit.benchmark_record import BenchmarkRecord
from xaiaudit.benchmarking import benchmark, read_plan
from xaiaudit.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "benchmark.toml"
FRAGILE = """
data = ["phantoms"]
folds = 2
[[model]]
name = "steady"
arch = "small-cnn"
[[model]]
name = "fragile"
arch = "benchmark_nets:fragile"
[[model]]
name = "constant"
arch = "benchmark_nets:constant"
[grid]
size = [64]
channels = [1]
epochs = [1]
learning_rate = [3e-3]
[audit]
methods = ["fgsm-single:epsilon=2/255"]
limit = 8
"""


@pytest.fixture(scope="session")
def example(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmarked:
    """The example as the command line runs it, beside a folder of phantoms."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "examples").mkdir()
    (folder / "phantoms").symlink_to(phantoms)
    file, out = folder / "examples" / EXAMPLE.name, folder / "out"
    file.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    result = CliRunner().invoke(main, ["benchmark", str(file), "--out", str(out), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    record = BenchmarkRecord.model_validate_json((out / "benchmark.json").read_bytes())
    return Benchmarked(file, out, record, result)


@pytest.fixture(scope="session")
def failing(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmarked:
    folder = tmp_path_factory.mktemp("failing")
    (folder / "phantoms").symlink_to(phantoms)
    file = folder / "benchmark.toml"
    file.write_text(FRAGILE, encoding="utf-8")
    record = benchmark(read_plan(file), folder / "out", device="cpu")
    assert record is not None
    return Benchmarked(file, folder / "out", record, None)
