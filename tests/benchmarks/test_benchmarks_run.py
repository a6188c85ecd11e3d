"""The benchmark's smallest setting: its file, its tables, and its going on."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = {peer for peer in ("foolbox", "torchattacks") if find_spec(peer)}  # ART is slow to import
RIVALS = [word for name in ("foolbox", "torchattacks", "floor") for word in ("--rival", name)]
CPU = ("--device", "cpu")
MARKS = ("<!-- results: begin -->", "<!-- results: end -->")

Ran = tuple[list[dict[str, Any]], str, Path]


@pytest.fixture(scope="module")
def benchmark() -> Callable[..., str]:
    """In this process; what it printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        main = import_module("benchmarks.attacks").main

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture(scope="module")
def ran(benchmark: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Records, what was printed, and the page that was written."""
    folder = tmp_path_factory.mktemp("benchmark")
    page, store = folder / "page.md", folder / "r.jsonl"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    where = ("--json", str(store), "--markdown", str(page))
    rows = ("--row", "fgsm", "--row", "deepfool", "--row", "pgd")
    benchmark("--quick", *CPU, "--row", "memory", "--rival", "floor", *where)
    printed = benchmark("--quick", *CPU, *rows, *RIVALS, *where)
    return [json.loads(line) for line in store.read_text().splitlines()], printed, page


def chosen(records: list[dict[str, Any]], row: str) -> dict[str, dict[str, Any]]:
    return {record["cell"]["rival"]: record for record in records if record["cell"]["row"] == row}


def test_it_starts_from_a_checkout() -> None:
    command = [sys.executable, "-m", "benchmarks.attacks", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--checkpoint" in done.stdout


def test_every_row_has_every_rival_that_is_installed(ran: Ran) -> None:
    records, printed, _ = ran
    assert set(chosen(records, "fgsm")) == set(chosen(records, "pgd")) == PEERS | {"floor"}
    assert set(chosen(records, "deepfool")) == PEERS
    for missing in {"foolbox", "torchattacks"} - PEERS:
        assert f"against {missing}: left out, {missing} is not installed" in printed


def test_times_and_memory_are_positive_pairs(ran: Ran) -> None:
    assert chosen(ran[0], "memory")
    for record in ran[0]:
        assert len(record["pairs"]) == 1
        assert min(record["pairs"][0]) > 0


def test_the_same_steps_give_perturbations_of_the_same_length(ran: Ran) -> None:
    fgsm = chosen(ran[0], "fgsm")
    assert fgsm["floor"]["agreement"] is None
    for peer in PEERS:
        same = fgsm[peer]["agreement"]
        assert same["ours"] == same["theirs"] <= same["images"] == 2
        assert same["largest"] < 1e-4


def test_the_tables_show_each_comparison_beside_its_agreement(ran: Ran) -> None:
    records, printed, page = ran
    text = page.read_text()
    assert text.startswith(f"before\n{MARKS[0]}\n")
    assert text.endswith(f"{MARKS[1]}\nafter\n")
    assert "old" not in text
    lines = {tuple(line.split(" | ")) for line in text.splitlines() if line.startswith("| small-cnn")}
    assert len(lines) == len(records)
    for line in lines:
        assert " | ".join(line) in printed
        if line[2] == "floor":
            assert not line[-2].strip()
        else:
            assert "of 2: " in line[-2]
    assert "torch 2" in text
    assert "no GPU was at hand" in text


def test_different_results_are_called_so(benchmark: Callable[..., str]) -> None:
    made = import_module("benchmarks.agreement").Agreement
    known = {"images": 8, "norm_ours": 1.0, "norm_theirs": 1.02, "typical": 0.02, "largest": 0.03}
    assert not made(ours=8, theirs=8, **known).holds(norms=True)
    assert made(ours=8, theirs=8, **known).holds(norms=False)
    assert not made(ours=8, theirs=7, **known | {"typical": 0.0}).holds(norms=False)
    assert made(ours=8, theirs=8, **known | {"typical": 0.009}).holds(norms=True)


def test_the_ratio_is_the_median_of_the_pairs(benchmark: Callable[..., str]) -> None:
    pairs = import_module("benchmarks.pairs")
    taken = [pairs.Pair(1, 2), pairs.Pair(2, 8), pairs.Pair(1, 3)]
    assert pairs.ratio(taken, ours_over_theirs=False) == (3, 2, 4)
    assert pairs.ratio(taken, ours_over_theirs=True) == (1 / 3, 1 / 4, 1 / 2)
    calls: list[str] = []

    def contender(name: str) -> Callable[[], float]:
        return lambda: float(calls.append(name) or 1)

    assert len(pairs.interleaved(contender("a"), contender("b"), pairs=3, seconds=60)) == 3
    assert calls == ["a", "b"] * 3
    assert len(pairs.interleaved(contender("a"), contender("b"), pairs=3, seconds=0)) == 1


def test_what_is_in_the_file_is_not_measured_again(benchmark: Callable[..., str], tmp_path: Path) -> None:
    store = tmp_path / "r.jsonl"
    words = ("--quick", *CPU, "--row", "fgsm", "--rival", "floor", "--json", str(store))
    assert "against floor: done" in benchmark(*words)
    once = store.read_text()
    assert "against floor: measured already" in benchmark(*words)
    assert store.read_text() == once
    assert "against floor: done" in benchmark(*words, "--freeze-peers")  # another comparison
    assert len(store.read_text().splitlines()) == 2


def test_a_row_without_its_trained_model_says_what_to_give(benchmark: Callable[..., str]) -> None:
    printed = benchmark("--row", "fgsm-goal", "--batch", "1")
    assert "left out, it needs a trained model: name one with --checkpoint" in printed
