"""The TOML of a benchmark: what it may say, and one line for everything else."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from xaiaudit.benchmarking import read_plan
from xaiaudit.cli import main
from xaiaudit.errors import UsageError
from xaiaudit.training.recipe import Recipe

HEAD = 'data = ["images"]\n'
MODEL = '[[model]]\narch = "small-cnn"\n'

FAULTS = {
    "data = [": "is no TOML",
    MODEL: "data is missing",
    HEAD: "model is missing",
    f"data = []\n{MODEL}": "data: List should have at least 1 item",
    f"data = [7]\n{MODEL}": "data 1 should be",
    f"{HEAD}fold = 5\n{MODEL}": "fold is not known; did you mean folds?",
    f"{HEAD}folds = 1\n{MODEL}": "folds should be greater than or equal to 2, got 1",
    f"{HEAD}folds = 2.5\n{MODEL}": "folds should be a valid integer",
    f"{HEAD}validation = 1.0\n{MODEL}": "validation should be less than 1",
    f"{HEAD}reference = 'smal-cnn'\n{MODEL}": "did you mean 'small-cnn'?",
    f"{HEAD}[[model]]\nname = 'x'\n": "model x: arch is missing",
    f"{HEAD}{MODEL}optimiser = 'adam'\n": "model 1: optimiser is not known; did you mean optimizer?",
    f"{HEAD}{MODEL}optimizer = 'adamw'\n": "optimizer should be 'adam', 'sgd' or 'nadam', got 'adamw'",
    f"{HEAD}{MODEL}epochs = '5'\n": "epochs should be a valid integer, got '5'",
    f"{HEAD}{MODEL}epochs = 0\n": "epochs must be at least 1",
    f"{HEAD}{MODEL}learning_rate = 'much'\n": "learning_rate should be a number, e.g. 0.1 or 1/255, got 'much'",
    f"{HEAD}{MODEL}freeze_backbone = true\n": "small-cnn: the backbone of small-cnn would stay as it is",
    f"{HEAD}{MODEL}size = 4\n": "size must be at least 8 pixels",
    f"{HEAD}{MODEL}mean = [0.1, 0.2]\n": "mean and std need one value for each of the 3 channels",
    f"{HEAD}{MODEL}adversarial = {{ method = 'pgd', eps = 0.1 }}\n": "adversarial: eps is not known; did you mean",
    f"{HEAD}{MODEL}adversarial = {{ method = 'cw' }}\n": "adversarial method should be 'pgd', 'trades' or 'free'",
    f"{HEAD}{MODEL}[grid]\nloss = 'focal'\n": "grid, loss should be a list of values, got 'focal'",
    f"{HEAD}{MODEL}[grid]\nloss = []\n": "grid, loss is an empty list; name its values",
    f"{HEAD}{MODEL}beta = [0.5, 1.0]\n": "several values to compare stand in a grid",
    f"data = 'images'\n{MODEL}": "data should be a list of datasets, got 'images'; write ['images']",
    f"{HEAD}validation = 0.5\nfolds = 2\n{MODEL}": "leave no image to train on; take a validation under 0.5",
    f"{HEAD}{MODEL}[grid]\nloss = ['focal', 'focal']\n": "has a value twice",
    f"{HEAD}{MODEL}[grid]\nlosses = ['focal']\n": "grid: losses is not known; did you mean loss?",
    f"{HEAD}{MODEL}[grid]\narch = ['resnet50']\n": "grid: arch is not known",
    f"{HEAD}{MODEL}{MODEL}": "two configurations are called 'small-cnn'",
    f"{HEAD}{MODEL}[audit]\nmethods = []\n": "audit, methods: List should have at least 1 item",
    f"{HEAD}{MODEL}[audit]\nmethod = ['fgsm']\n": "audit, methods is missing",
    f"{HEAD}{MODEL}[audit]\nmethods = ['fgsmm']\n": "fgsm",
    f"{HEAD}{MODEL}[audit]\nmethods = ['fgsm']\nlimits = 3\n": "audit, limits is not known; did you mean limit?",
    f"{HEAD}{MODEL}[audit]\nmethods = ['fgsm']\nexplainers = ['gradcam']\n": "grad-cam",
    f"[[data]]\npaths = ['a']\nnormal = 'class'\n{MODEL}": "data 1, normal is not known; did you mean normals?",
    f"[[data]]\npaths = ['a']\nname = 'x'\n[[data]]\npaths = ['b']\nname = 'x'\n{MODEL}": "need different names",
}


def written(folder: Path, text: str) -> Path:
    file = folder / "benchmark.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: FAULTS[text][:40])
def test_a_fault_is_told_in_one_line_that_names_the_file(text: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    result = CliRunner().invoke(main, ["benchmark", str(file)])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {file}")
    assert FAULTS[text] in line
    assert sorted(tmp_path.iterdir()) == [file]  # nothing was begun


def test_a_missing_file_and_a_network_that_cannot_be_built_exit_with_two(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["benchmark", str(tmp_path / "none.toml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
    file = written(tmp_path, f'{HEAD}[[model]]\narch = "resnet51"\n')
    result = CliRunner().invoke(main, ["benchmark", str(file)])
    assert result.exit_code == 2
    assert "resnet51: unknown architecture" in result.stderr
    file = written(tmp_path, f"{HEAD}{MODEL}grid = {{ mask_share = [1.0, 0.5] }}\n")
    result = CliRunner().invoke(main, ["benchmark", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "small-cnn, mask_share=0.5: small-cnn gives no mask" in result.stderr
    audit = '[audit]\nmethods = ["fgsm"]\nexplainers = ["seg-grad-cam"]\n'
    result = CliRunner().invoke(main, ["benchmark", str(written(tmp_path, f"{HEAD}{MODEL}{audit}"))])
    assert result.exit_code == 2
    assert "small-cnn: " in result.stderr


def test_a_wrong_folder_of_the_second_dataset_shows_before_the_first_is_trained_on(
    phantoms: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, f'data = ["{phantoms}", "nowhere"]\n{MODEL}')
    result = CliRunner().invoke(main, ["benchmark", str(file)])
    assert result.exit_code == 2
    assert "nowhere: no such folder" in result.stderr
    assert not (tmp_path / "benchmark" / "runs").exists()


def test_a_dataset_that_a_model_cannot_learn_from_shows_before_the_first_run(
    phantoms: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    for label in ("benign", "malignant"):
        (plain / label).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (40, 40), 40 * number).save(plain / label / f"{number}.png")
    network = '[[model]]\narch = "rmtl"\narguments = { backbone = "small-cnn" }\n'
    for text, words in (
        (f'data = ["{phantoms}", "plain"]\n{network}', "rmtl learns to outline lesions, and"),
        (
            f'data = ["{phantoms}", {{ paths = ["plain"], positive = "malign" }}]\n{MODEL}',
            "is labelled 'malign'",
        ),
        (
            f'data = ["{phantoms}", {{ paths = ["plain"], positive = "x" }}]\n{MODEL}',
            "the classes are benign, malignant; name one of these as positive; if this is a published dataset",
        ),
    ):
        result = CliRunner().invoke(main, ["benchmark", str(written(tmp_path, text))])
        assert result.exit_code == 2
        assert words in result.stderr
        assert not (tmp_path / "benchmark" / "runs").exists()


def test_every_model_is_crossed_with_the_grid_and_with_its_own(tmp_path: Path) -> None:
    text = HEAD + (
        '[[model]]\nname = "a"\narch = "small-cnn"\n'
        '[[model]]\nname = "b"\narch = "thesis-mtl"\ngrid = { alpha = [0.1, 1] }\n'
        '[grid]\nloss = ["cross-entropy", "focal"]\nepochs = [3]\nweights = ["none"]\n'
    )
    plan = read_plan(written(tmp_path, text))
    assert [item.name for item in plan.configurations] == [
        "a, loss=cross-entropy",
        "a, loss=focal",
        "b, loss=cross-entropy, alpha=0.1",
        "b, loss=cross-entropy, alpha=1",
        "b, loss=focal, alpha=0.1",
        "b, loss=focal, alpha=1",
    ]
    last = plan.configurations[-1]
    assert (last.recipe.loss, last.recipe.alpha, last.recipe.epochs) == ("focal", 1, 3)
    assert last.varied == {"loss": "focal", "alpha": 1}
    assert last.folder == "b-loss=focal-alpha=1"
    assert plan.reference == "a, loss=cross-entropy"


def test_fields_are_those_of_recipe_preprocessing_and_network(tmp_path: Path) -> None:
    text = HEAD + (
        '[[model]]\narch = "thesis-mtl"\narguments = { backbone = "small-cnn" }\nsize = 64\nchannels = 1\n'
        'weights = "start.pt"\nlearning_rate = "1/1000"\nadversarial = { epsilon = "2/255", plain_epochs = 1 }\n'
    )
    (only,) = read_plan(written(tmp_path, text)).configurations
    assert only.arguments == {"backbone": "small-cnn"}
    assert (only.preprocessing.size, only.preprocessing.mean) == (64, (0.45,))
    assert only.weights == str(tmp_path / "start.pt")
    assert only.recipe.learning_rate == 1e-3
    assert only.recipe.adversarial.epsilon == 2 / 255
    assert only.recipe.class_weights == "balanced"  # as xaiaudit train --adversarial has it


def test_the_recipe_of_the_source_holds_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    from xaiaudit.training import recipe_of

    (only,) = read_plan(written(tmp_path, HEAD + '[[model]]\narch = "la-net"\n')).configurations
    assert only.recipe == recipe_of("la-net")
    (plain,) = read_plan(written(tmp_path, HEAD + MODEL)).configurations
    assert plain.recipe == Recipe()


def test_paths_are_seen_from_the_file_and_several_make_one_dataset(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, f'data = [["a", "b"], "c"]\n{MODEL}'))
    assert [table.paths for table in plan.data] == [
        [str(tmp_path / "a"), str(tmp_path / "b")],
        [str(tmp_path / "c")],
    ]
    assert [table.name for table in plan.data] == ["a", "c"]


def test_the_file_of_the_page_is_read_as_printed(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    plan = read_plan(written(tmp_path, block))
    assert len(plan.configurations) == (1 + 2) * 2 * 2
    assert plan.reference == plan.configurations[0].name


def test_a_shard_is_a_part_of_a_whole(tmp_path: Path) -> None:
    from xaiaudit.benchmarking import benchmark

    plan = read_plan(written(tmp_path, HEAD + MODEL))
    with pytest.raises(UsageError, match="shard must be"):
        benchmark(plan, tmp_path / "out", shard=(3, 2))
