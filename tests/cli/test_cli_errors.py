"""Bad input: one line that begins with "Error: ", exit code 2, and no traceback."""

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from xaiaudit.cli import main

Case = Callable[[Path, Path, Path], list[object]]  # checkpoint, phantoms, tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def no_such_file(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", tmp / "none.pt", "--method", "fgsm"]


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("this must never run",))


def a_pickle(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "model.pt").write_bytes(pickle.dumps(Harm()))
    return ["attack", tmp / "model.pt", "--method", "fgsm"]


def another_architecture(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    content = torch.load(checkpoint, weights_only=True)
    content["weights"] = {f"other.{key}": value for key, value in content["weights"].items()}
    torch.save(content, tmp / "model.pt")
    return ["attack", tmp / "model.pt", "--method", "fgsm"]


def a_truncated_image_with_strict(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "data" / "benign").mkdir(parents=True)
    for image in sorted((phantoms / "images").glob("*.png"))[:3]:
        shutil.copy(image, tmp / "data" / "benign")
    broken = tmp / "data" / "benign" / image.name
    broken.write_bytes(broken.read_bytes()[:300])
    return ["attack", checkpoint, "--method", "fgsm", "--data", tmp / "data", "--strict"]


def masks_of_another_size(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "data" / "benign").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp / "data" / "benign" / "a.png")
    Image.fromarray(np.zeros((40, 51), np.uint8)).save(tmp / "data" / "benign" / "a_mask.png")
    return ["attack", checkpoint, "--method", "fgsm", "--data", tmp / "data"]


def no_images(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "empty").mkdir()
    return ["attack", checkpoint, "--method", "fgsm", "--data", tmp / "empty"]


def grey_levels_for_epsilon(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm:epsilon=25.5"]


def no_data_known(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    content = torch.load(checkpoint, weights_only=True)
    (description,) = (value for key, value in content.items() if key != "weights")
    description["training"] = {}
    torch.save(content, tmp / "model.pt")
    return ["attack", tmp / "model.pt", "--method", "fgsm"]


def unwritable_output(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "file").write_text("a file where a folder should go")
    return ["attack", checkpoint, "--method", "fgsm", "--out", tmp / "file" / "audit"]


def unknown_method(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgms"]


def unknown_explainer(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--explainer", "gradcam"]


def unknown_layer(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--explainer", "grad-cam:layer=featurs"]


def unknown_parameter(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "pgd:eps=0.1"]


def unknown_parameter_of_an_explainer(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--explainer", "grad-cam:foo=1"]


def a_value_out_of_range(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["explain", checkpoint, phantoms / "images" / "0.png", "--explainer", "smoothgrad:samples=0"]


def a_window_larger_than_the_image(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--explainer", "occlusion:window=500"]


def unknown_parameter_of_a_change(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--acquisition", "speckle:x=1"]


def a_strength_out_of_range(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--acquisition", "jpeg:quality=500"]


def a_change_and_none(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--acquisition", "gain", "--no-acquisition"]


def a_folder_to_explain(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["explain", checkpoint, phantoms]


def an_explainer_twice(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    image = next((phantoms / "images").iterdir())
    return ["explain", checkpoint, image, "--explainer", "grad-cam", "--explainer", "grad-cam"]


def an_attack_twice(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--method", "fgsm:steps=25"]


def a_criterion_twice(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    methods = ["--method", "fgsm", "--criterion", "target-class:class=benign", "--criterion", "lower-dice"]
    return ["attack", checkpoint, *methods, "--criterion", "lower-dice:limit=0.5"]


def a_change_twice(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--acquisition", "gain", "--acquisition", "gain"]


def no_method(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint]


def data_gone(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    content = torch.load(checkpoint, weights_only=True)
    (description,) = (value for key, value in content.items() if key != "weights")
    description["training"]["data"][0]["path"] = str(tmp / "moved")
    torch.save(content, tmp / "model.pt")
    return ["attack", tmp / "model.pt", "--method", "fgsm"]


def a_bad_shard(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--shard", "4/3", "--out", tmp / "a"]


def a_shard_without_out(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--shard", "1/3"]


def no_such_device(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["attack", checkpoint, "--method", "fgsm", "--device", "cuda:99"]


def unknown_architecture(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["train", "--arch", "resnet05", "--data", phantoms, "--out", tmp / "m.pt"]


def a_gate_without_an_audit(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["gate", tmp, "--max-flip-rate", "0.3"]


def a_report_without_an_audit(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["report", tmp]


def an_unknown_target(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    image = next((phantoms / "images").glob("*.png"))
    return ["explain", checkpoint, image, "--target", "malign", "--out", tmp]


def a_demo_over_other_files(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "keep.txt").write_text("mine")
    return ["demo", "--out", tmp]


def no_share_for_validation(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    more = ["--fractions", "0.8,0,0.2", "--out", tmp / "m.pt"]
    return ["train", "--arch", "small-cnn", "--data", phantoms, *more]


def normals_of_a_recorded_split(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["evaluate", checkpoint, "--normals", "benign"]


def nothing_readable_to_evaluate(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    (tmp / "data" / "benign").mkdir(parents=True)
    (tmp / "data" / "benign" / "torn.png").write_bytes(b"no picture")
    return ["evaluate", checkpoint, "--data", tmp / "data"]


def converting_a_checkpoint(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["convert", checkpoint, "--out", tmp / "c.pt"]


FOREIGN = ["--classes", "benign,malignant", "--positive", "malignant", "--size", "64", "--threshold", "0.5"]


def a_mean_in_grey_levels(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    torch.save(torch.load(checkpoint, weights_only=True)["weights"], tmp / "w.pt")
    more = ["--arch", "small-cnn", "--mean", "76.5", "--std", "51", *FOREIGN]
    return ["convert", tmp / "w.pt", *more, "--out", tmp / "c.pt"]


def an_argument_that_the_architecture_refuses(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    torch.save(torch.load(checkpoint, weights_only=True)["weights"], tmp / "w.pt")
    more = ["--arch", "small-cnn", "--arg", "depth=3", "--mean", "0.3", "--std", "0.2", *FOREIGN]
    return ["convert", tmp / "w.pt", *more, "--out", tmp / "c.pt"]


def a_report_over_a_checkpoint(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["report", tmp, "--out", checkpoint]


def a_training_over_a_checkpoint(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["train", "--arch", "small-cnn", "--data", phantoms, "--out", checkpoint]


def a_conversion_over_a_checkpoint(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    return ["convert", checkpoint, "--out", checkpoint]


def a_folder_of_datasets(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    shutil.copytree(phantoms, tmp / "both" / "one")
    shutil.copytree(phantoms, tmp / "both" / "two")
    return ["attack", checkpoint, "--method", "fgsm", "--data", tmp / "both"]


def an_option_of_another_way_to_resist(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    words = ["--adversarial", "trades", "--clean-share", "0.5", "--out", tmp / "new.pt"]
    return ["train", "--arch", "small-cnn", "--data", phantoms, *words]


def a_threshold_of_labels_that_weigh_nothing(checkpoint: Path, phantoms: Path, tmp: Path) -> list[object]:
    words = ["--arg", "backbone=small-cnn", "--pseudo-threshold", "0.9", "--out", tmp / "new.pt"]
    return ["train", "--arch", "thesis-mtl", "--data", phantoms, *words]


CASES: dict[Case, tuple[str, ...]] = {
    no_share_for_validation: ("validation", "0.7,0.1,0.2"),
    normals_of_a_recorded_split: ("--normals", "--data"),
    converting_a_checkpoint: ("already",),
    nothing_readable_to_evaluate: ("none of the 1 images", "torn.png"),
    a_mean_in_grey_levels: ("76.5", "divide grey levels by 255"),
    an_argument_that_the_architecture_refuses: ("small-cnn", "depth"),
    no_such_file: ("none.pt", "no such file"),
    an_option_of_another_way_to_resist: ("--clean-share", "trades", "pgd or free"),
    a_threshold_of_labels_that_weigh_nothing: ("--pseudo-threshold", "--pseudo-weight 0.1"),
    a_pickle: ("model.pt", "--trust-pickle"),
    another_architecture: ("model.pt", "small-cnn"),
    a_truncated_image_with_strict: (".png", "--strict"),
    masks_of_another_size: ("a_mask.png", "40", "51"),
    no_images: ("empty", "no images"),
    grey_levels_for_epsilon: ("25.5", "did you mean 25.5/255 (grey levels)?"),
    no_data_known: ("no data is known", "--data"),
    unwritable_output: ("audit", "--out"),
    unknown_method: ("fgms", "fgsm"),
    unknown_explainer: ("gradcam", "grad-cam"),
    unknown_layer: ("featurs", "features"),
    unknown_parameter: ("eps", "epsilon"),
    unknown_parameter_of_an_explainer: ("the explainer grad-cam", "'foo'", "it takes layer"),
    a_value_out_of_range: ("the explainer smoothgrad", "samples", "it takes samples, noise, seed"),
    a_window_larger_than_the_image: ("the explainer occlusion", "window 500", "64 × 64"),
    unknown_parameter_of_a_change: ("the acquisition change speckle", "'x'", "it takes correlation"),
    a_strength_out_of_range: ("the acquisition change jpeg", "500", "it takes quality"),
    a_change_and_none: ("--acquisition", "--no-acquisition"),
    a_folder_to_explain: ("is a folder", "*.png", "xaiaudit pointing MODEL --data"),
    an_explainer_twice: ("the explainer grad-cam is named twice",),
    an_attack_twice: ("the attack fgsm with epsilon=0.1,steps=25 is named twice",),
    a_criterion_twice: ("the criterion lower-dice with", "below 0.5 is named twice"),
    a_change_twice: ("the acquisition change gain", "is named twice"),
    no_method: ("--method fgsm", "xaiaudit list attacks"),
    a_report_over_a_checkpoint: (".pdf", "model.pt"),
    a_training_over_a_checkpoint: ("model.pt", "--overwrite"),
    a_conversion_over_a_checkpoint: ("model.pt", "--overwrite"),
    a_folder_of_datasets: ("one (manifest)", "two (manifest)", "--data"),
    data_gone: ("moved", "--data DIR --split test"),
    a_bad_shard: ("4/3",),
    a_shard_without_out: ("--shard needs --out",),
    no_such_device: ("cuda:99",),
    unknown_architecture: ("resnet05", "resnet50"),
    a_gate_without_an_audit: ("audit.json",),
    a_report_without_an_audit: ("audit.json",),
    an_unknown_target: ("malign", "malignant"),
    a_demo_over_other_files: ("--out",),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_one_line_says_what_was_got_and_how_to_mend_it(
    case: Case, checkpoint: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = case(checkpoint, phantoms, tmp_path)
    monkeypatch.chdir(tmp_path)
    result = call(*words)
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.exit_code == 2, result.output
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in CASES[case]:
        assert word in errors[0]
    assert "this must never run" not in result.output


def test_no_name_in_an_error_is_a_command_of_a_terminal_or_a_runner(tmp_path: Path) -> None:
    (line,) = call("inspect", tmp_path / "a\x1b[2J\n::error::b##[stop-commands]c.pt").stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.isprintable()
    assert "##[" not in line


def test_debug_shows_where_it_was(tmp_path: Path) -> None:
    result = call("inspect", tmp_path / "none.pt", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full: Linux has /dev/full")
def test_a_full_disk_is_no_fault_of_ours() -> None:
    words = [sys.executable, "-m", "xaiaudit", "list", "attacks"]
    with open("/dev/full", "w") as full:
        found = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert found.returncode == 2
    assert found.stderr.startswith("Error: no space is left to write to")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arch", "option", "told"),
    [
        ("small-cnn", "--alpha=0.5", "--alpha is of networks with a class and a mask head, and small-cnn has no mask"),
        ("timm:resnet18", "--mask-loss=dice", "is of networks with a mask head, and timm:resnet18 has no mask"),
        ("thesis-seg", "--loss=focal", "--loss is of networks with a class head, and thesis-seg has no class head"),
    ],
)  # fmt: skip
def test_an_option_of_a_head_that_is_not_there_is_refused(
    phantoms: Path, tmp_path: Path, arch: str, option: str, told: str
) -> None:
    result = call("train", "--arch", arch, option, "--data", phantoms, "--out", tmp_path / "m.pt")
    assert result.exit_code == 2
    assert told in result.output
    assert not list(tmp_path.iterdir())
