"""Every command as its user calls it: exit codes, files, and what is printed."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import xaiaudit
from xaiaudit.auditing.explanation import explain
from xaiaudit.cli import main
from xaiaudit.records import AuditRecord


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_help_needs_neither_torch_nor_time() -> None:
    code = (
        "import sys, time; start = time.perf_counter()\n"
        "from xaiaudit.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "print(sorted({'torch', 'numpy', 'pyarrow', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_who_leaves_is_no_error() -> None:
    """Nor a failed gate, which is 1; with less than a buffer holds, and with more."""
    for length in (1, 10**6):
        script = (
            "import click, sys\n"
            "from xaiaudit.cli import main\n"
            f"main.add_command(click.Command('say', callback=lambda: click.echo('x' * {length})))\n"
            "sys.stdin.read()\n"
            "main(['say'])\n"
        )
        done = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        done.stdout.close()  # the reader leaves, and only then does the command begin
        _, said = done.communicate()
        assert said == b""
        assert done.returncode == 141


@pytest.mark.parametrize(("words", "code"), [("list explainers", 0), ("gate nowhere --max-flip-rate 0", 2)])
def test_exit_codes_hold_where_standard_output_is_closed(words: str, code: int) -> None:
    """As of some services."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m xaiaudit {words} >&-"], capture_output=True, text=True
    )
    assert done.returncode == code
    assert done.stderr.startswith("Error: ") == (code == 2)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flag", [[], ["--debug"]])
def test_an_error_that_nobody_reads_is_no_failed_gate(flag: list[str]) -> None:
    words = ["gate", "nowhere", "--max-flip-rate", "0", *flag]
    done = subprocess.Popen(
        [sys.executable, "-c", f"import sys\nfrom xaiaudit.cli import main\nsys.stdin.read()\nmain({words})"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done.stderr.close()
    done.communicate()
    assert done.returncode == 2


def test_the_package_is_a_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "xaiaudit", "list", "explainers"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("cam ")
    wrong = subprocess.run([sys.executable, "-m", "xaiaudit", "gate"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "command",
    ["attack", "convert", "data check", "data phantoms", "demo", "evaluate", "explain", "faithfulness", "gate",
     "inspect", "list", "merge", "pointing", "report", "train"],
)  # fmt: skip
def test_every_command_has_help(command: str) -> None:
    result = call(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_help_of_train_states_the_defaults_of_the_recipe() -> None:
    from xaiaudit.training import Recipe

    options = {option.name: option for option in main.commands["train"].params}
    for field in dataclasses.fields(Recipe):
        stated = re.search(r"\[default: (.*?)\]", options[field.name].help or "")
        shown = stated.group(1) if stated else str(options[field.name].default)
        if isinstance(field.default, float):
            assert float(shown) == field.default, field.name
        else:
            assert shown == {None: "never"}.get(field.default, str(field.default)), field.name


@pytest.mark.parametrize("command", [[], ["data"]])
def test_nothing_asked_for_gives_the_help(command: list[str]) -> None:
    result = call(*command)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage:")
    assert len(result.stderr.splitlines()) > 5


def test_inspect_says_what_the_checkpoint_holds(checkpoint: Path) -> None:
    result = call("inspect", checkpoint)
    assert result.exit_code == 0
    assert "small-cnn" in result.output
    assert json.loads(call("inspect", checkpoint, "--json").stdout)["safe"] is True


def test_evaluate_repeats_the_metrics_of_the_training(checkpoint: Path) -> None:
    result = call("evaluate", checkpoint, "--json")
    assert result.exit_code == 0, result.output
    stored = json.loads(call("inspect", checkpoint, "--json").stdout)
    trained = stored["training"]["metrics"]["test"]
    record, output = json.loads(result.stdout), call("evaluate", checkpoint).output
    assert record["auc"] == pytest.approx(trained["auc"])
    assert f"  Brier score        {record['reliability']['brier']['estimate']:.3f} (" in output
    assert "  ECE                " in output


def test_evaluating_what_was_trained_on_is_a_leak(checkpoint: Path, phantoms: Path) -> None:
    assert "LEAK" not in call("evaluate", checkpoint).output
    result = call("evaluate", checkpoint, "--data", phantoms, "--json")
    stored = json.loads(call("inspect", checkpoint, "--json").stdout)["training"]["split"]
    fitted = stored["train"] + stored["validation"]
    assert f"LEAK: {fitted} audited images in" in result.stderr
    assert json.loads(result.stdout)["images"] == 60


def test_evaluate_names_labels_that_the_model_does_not_know(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    images = sorted((phantoms / "images").glob("*.png"))
    for label, image in (("cyst", images[0]), ("cyst", images[1]), ("benign", images[2])):
        (tmp_path / label).mkdir(exist_ok=True)
        shutil.copy(image, tmp_path / label)
    assert "(2 cyst) count as unlabelled" in call("evaluate", checkpoint, "--data", tmp_path).output
    shutil.rmtree(tmp_path / "benign")
    result = call("evaluate", checkpoint, "--data", tmp_path)
    assert result.exit_code == 0
    assert "no image has a label that the model knows" in result.output


def test_explaining_images_of_equal_names_keeps_every_picture(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    first, second, *_ = sorted((phantoms / "images").glob("*.png"))
    for folder, image in (("a", first), ("b", second)):
        (tmp_path / folder).mkdir()
        shutil.copy(image, tmp_path / folder / "scan.png")
    images = [tmp_path / "a" / "scan.png", tmp_path / "b" / "scan.png"]
    result = call(
        "explain", checkpoint, *images, "--explainer", "grad-cam", "--json", "--out", tmp_path / "out"
    )
    pictures = [Path(item["picture"]) for item in json.loads(result.stdout)]
    assert len(set(pictures)) == 2
    assert all(picture.exists() for picture in pictures)


def test_evaluate_prints_intervals(checkpoint: Path) -> None:
    result = call("evaluate", checkpoint, "--split", "validation")
    assert result.exit_code == 0, result.output
    for name in ("AUC", "accuracy", "sensitivity", "specificity", "F1", "FPR, 1 - spec.", "FNR, 1 - sens."):
        assert f"\n  {name:<18} " in result.output
    assert "95 % interval over" in result.output
    assert "validation split of the checkpoint" in result.output


def test_explain_writes_a_picture_and_numbers_for_each_explainer(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    image = sorted((phantoms / "images").glob("*.png"))[0]
    result = call("explain", checkpoint, image, "--out", tmp_path / "maps", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [item["explainer"] for item in found] == ["grad-cam", "cam"]
    for item in found:
        assert Path(item["picture"]).stat().st_size > 1000
        if item["maximum"] is not None:
            column, row = item["maximum"]
            assert 0 <= column <= 64
            assert 0 <= row <= 64
    layers = [f"layercam:layer={name}" for name in ("features.0", "features.1")]
    both = call(
        "explain",
        checkpoint,
        image,
        "--out",
        tmp_path / "two",
        "--json",
        *(f"--explainer={one}" for one in layers),
    )
    found = json.loads(both.stdout)
    assert [item["explainer"] for item in found] == ["layercam", "layercam-2"]
    assert len({item["picture"] for item in found}) == 2
    words = call("explain", checkpoint, image, "--explainer", "cam", "--target", "benign", "--out", tmp_path)
    assert words.exit_code == 0
    assert "cam of benign" in words.output


def test_explain_warns_of_what_is_no_b_mode_image(checkpoint: Path, phantoms: Path, tmp_path: Path) -> None:
    shape = np.zeros((100, 80), np.uint8)
    shape[30:60, 20:50] = 255
    Image.fromarray(shape).save(tmp_path / "mask.png")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "tiny.png")
    honest = sorted((phantoms / "images").glob("*.png"))[0]
    images = [tmp_path / "mask.png", tmp_path / "tiny.png", honest]
    result = call("explain", checkpoint, *images, "--explainer", "cam", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    mask, tiny = (line for line in result.stderr.splitlines() if line.startswith("Warning: "))
    assert mask == f"Warning: {images[0]} holds 2 grey levels: is it a mask, and no B-mode image?"
    assert f"{images[1]} is 8 x 8 pixels, enlarged 8 times for the model's 64 x 64" in tiny


def test_explain_counts_pixels_from_zero_and_says_where_a_place_is_padding(
    checkpoint: Path, phantoms: Path
) -> None:
    image = sorted((phantoms / "images").glob("*.png"))[0]
    (found,) = explain(xaiaudit.load(checkpoint), image, [("cam", {})])
    places = {"source_shape": (20, 30), "maximum": (29.6, 19.9), "minimum": (3.2, -0.4)}
    said = found.model_copy(update=places).words()
    assert said.endswith(
        "maximum at column 29, row 19, minimum at column 3, row -1 (beyond the image, in its padding)"
    )


def test_report_needs_the_folder_alone(audit_folder: Path, tmp_path: Path) -> None:
    result = call("report", audit_folder, "--out", tmp_path / "a.pdf")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_the_gate_passes_fails_and_leaves_the_audit_as_it_was(audit_folder: Path) -> None:
    before = (audit_folder / "audit.json").read_bytes()
    record = AuditRecord.model_validate_json(before)
    flips = {item.id: item.flips.estimate for item in record.attacks}
    worst = max(flips.values())
    passed = call("gate", audit_folder, "--max-flip-rate", "1")
    assert passed.exit_code == 0, passed.output
    assert worst > 0.3
    failed = call("gate", audit_folder, "--max-flip-rate", "0.3")
    assert failed.exit_code == 1
    assert "FAILED" in failed.output
    assert json.loads((audit_folder / "gate.json").read_text())["verdict"] == "failed"
    assert (audit_folder / "audit.json").read_bytes() == before


def test_the_gate_asks_for_the_bound_not_the_estimate(audit_folder: Path) -> None:
    record = AuditRecord.model_validate_json((audit_folder / "audit.json").read_bytes())
    for item in record.attacks:
        estimate = item.flips.estimate
        assert estimate is not None
        if 0 < estimate < 1:
            limit = estimate + 1e-6  # the estimate holds, its upper bound does not
            assert call("gate", audit_folder, "--max-flip-rate", limit, "--attack", item.id).exit_code == 1


def test_sharded_on_the_command_line_and_merged(checkpoint: Path, tmp_path: Path) -> None:
    common = ["attack", checkpoint, "--method", "fgsm-single", "--batch-size", "6", "--limit", "8"]
    common += ["--out", tmp_path / "a"]
    told = (
        "Shard 1 of 4 is done, 6 of 8 images; when all are done: xaiaudit merge ",
        "Shard 2 of 4 is done, 2 of 8 images; ",
        "Shard 3 of 4 had no images (the audit has 8 images and takes 6 at once) and did the self-checks; ",
        "Shard 4 of 4 had no images (the audit has 8 images and takes 6 at once) and did nothing; ",
    )
    for number, words in enumerate(told, start=1):
        result = call(*common, "--shard", f"{number}/4")
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(words)
    result = call("merge", tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a" / "report.pdf").exists()
    assert f"In a browser: {tmp_path / 'a' / 'report.html'}" in result.output
    assert (tmp_path / "a" / "report.html").exists()
    assert not (tmp_path / "a" / "shards").exists()


def test_data_check_exits_with_0_or_1(phantoms: Path, tmp_path: Path) -> None:
    assert call("data", "check", phantoms).exit_code == 0
    written = call("data", "phantoms", tmp_path / "p", "-n", "4", "--size", "48", "--cue", "posterior")
    assert written.exit_code == 0, written.output
    image = sorted((tmp_path / "p" / "images").glob("*.png"))[0]
    image.write_bytes(image.read_bytes()[:200])
    result = call("data", "check", tmp_path / "p")
    assert result.exit_code == 1
    assert image.name in result.output


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("attacks", "pgd"),
        ("explainers", "cam"),
        ("acquisition", "speckle"),
        ("models", "thesis-mtl"),
        ("datasets", "busi"),
    ],
)
def test_list_gives_one_name_a_line(kind: str, name: str) -> None:
    result = call("list", kind)
    assert result.exit_code == 0
    assert name in [line.split()[0] for line in result.output.splitlines()]


def test_list_attacks_names_every_parameter_with_its_default() -> None:
    lines = {line.split()[0]: line for line in call("list", "attacks").output.splitlines()}
    assert lines["fgsm"].endswith("; takes epsilon=0.1, steps=25, alpha")
    assert "takes" not in lines["fgsm-thesis"]


def test_convert_makes_a_checkpoint_that_attack_takes(
    checkpoint: Path, phantoms: Path, tmp_path: Path
) -> None:
    import torch

    import xaiaudit

    weights = tmp_path / "weights.pth"
    torch.save(xaiaudit.load(checkpoint).net.state_dict(), weights)
    said = ["--arch", "small-cnn", "--classes", "benign,malignant", "--positive", "malignant", "--size", "64"]
    said += ["--mean", "0.3", "--std", "0.2", "--threshold", "0.5"]
    missing = call("convert", weights, *said[:-2], "--out", tmp_path / "c.pt")
    assert missing.exit_code == 2
    assert "threshold" in missing.output
    result = call("convert", weights, *said, "--out", tmp_path / "c.safetensors")
    assert result.exit_code == 0, result.output
    for model, more in ((tmp_path / "c.safetensors", []), (weights, said)):
        out = tmp_path / f"audit-{model.stem}"
        result = call(
            "attack",
            model,
            *more,
            "--data",
            phantoms,
            "--method",
            "fgsm-single",
            "--no-checks",
            "--no-report",
            "--limit",
            4,
            "--out",
            out,
        )
        assert result.exit_code == 0, result.output
        assert re.search(
            r"^Data: .*, 4 images .* at random, seed 0", result.output, re.M
        )  # what --limit left
        record = AuditRecord.model_validate_json((out / "audit.json").read_bytes())
        assert not record.leak.assessed  # foreign weights do not say what they were trained on
