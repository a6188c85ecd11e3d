"""The self-checks on real runs: a sound model and sound attacks pass, and each unsound one is caught by its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from self_check_nets import (
    Alone,
    Astray,
    Constant,
    Curved,
    InCompany,
    OneProbability,
    Probabilities,
    Quantised,
    Random,
    Steep,
)
from torch import Tensor, nn

from xaiaudit.attacks.criteria import LeaveDecision
from xaiaudit.auditing.self_checks.facts import gather
from xaiaudit.auditing.self_checks.verdicts import check_records, read_facts
from xaiaudit.data import open_dataset
from xaiaudit.data.preprocess import prepare, stack
from xaiaudit.models import AuditedModel, load
from xaiaudit.models.prepared import prepared
from xaiaudit.records import SelfCheckRecord

Statuses = dict[tuple[str | None, str], SelfCheckRecord]
EACH = 8  # images of each decision
Attacks = dict[str, tuple[str, dict[str, Any]]]
FGSM: Attacks = {"fgsm": ("fgsm", {"steps": 8})}


class Material:
    """Images of the phantoms, decided both ways."""

    def __init__(self, checkpoint: Path, phantoms: Path) -> None:
        self.model = load(checkpoint)
        batch = stack([prepare(sample, self.model.preprocessing) for sample in open_dataset(phantoms)])
        images, valid = torch.from_numpy(batch.images), torch.from_numpy(batch.valid)
        decisions = self.clean(self.model, images).argmax(1)
        order = torch.cat([(decisions == one).nonzero()[:EACH, 0] for one in (0, 1)])
        self.images, self.valid = images[order], valid[order]

    def clean(self, model: AuditedModel, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return model(images).logits

    def checks(
        self,
        attacks: dict[str, tuple[str, dict[str, Any]]],
        wrap: Callable[[nn.Module], nn.Module] | None = None,
        batch_size: int = 10,
    ) -> Statuses:
        net = self.model.net if wrap is None else wrap(self.model.net)
        model = AuditedModel(net, preprocessing=self.model.preprocessing, threshold=self.model.threshold)
        with prepared(model) as ready:
            clean = torch.cat([self.clean(model, some) for some in self.images.split(batch_size)])
            criterion = LeaveDecision(clean.clone(), model.threshold)
            facts = gather(
                ready,
                self.images,
                self.valid,
                list(range(2 * EACH)),
                criterion,
                attacks,
                batch_size=batch_size,
            )
        found = check_records(read_facts(json.loads(json.dumps(facts.plain()))))
        return {(check.attack_id, check.name): check for check in found}


@pytest.fixture(scope="module")
def material(checkpoint: Path, phantoms: Path) -> Material:
    return Material(checkpoint, phantoms)


def failed(found: Statuses) -> set[str]:
    return {name for (_, name), check in found.items() if check.status == "failed"}


def test_a_sound_model_and_sound_attacks_pass(material: Material) -> None:
    found = material.checks(
        {
            "fgsm": ("fgsm", {"steps": 8}),
            "pgd": ("pgd", {"steps": 8}),
            "pgd-l2": ("pgd-l2", {"steps": 8}),
            "apgd": ("apgd", {"steps": 10}),
            "deepfool": ("deepfool", {}),
            "fab": ("fab", {"steps": 8}),
            "radius": ("radius", {"steps": 8}),
        }
    )
    for check in found.values():
        assert check.status == "passed", check.words
    names = {name for attack, name in found if attack == "fgsm"}
    assert len(names) == 6
    assert len([name for attack, name in found if attack == "deepfool"]) == 4


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (Random, {"outputs are repeatable"}),
        (InCompany, {"outputs are repeatable"}),
        (Alone, {"outputs are repeatable"}),
        (Probabilities, {"outputs are logits"}),
        (OneProbability, {"outputs are logits", "the model decides at all"}),
        (Constant, {"gradients are neither zero nor NaN", "the model decides at all"}),
    ],
)
def test_an_unsound_model_is_caught(
    material: Material, wrap: Callable[[nn.Module], nn.Module], expected: set[str]
) -> None:
    found = failed(material.checks({}, wrap, 8))  # no batch of one image
    assert (
        found == expected if wrap is not InCompany else found >= expected
    )  # its sums have no gradient either


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 5, 16])
def test_a_model_that_looks_at_its_company_is_caught_at_any_batch_size(
    material: Material, batch_size: int
) -> None:
    found = material.checks({}, InCompany, batch_size)
    assert found[None, "outputs are repeatable"].status == "failed"


def test_attacks_are_not_tried_on_too_few_images(material: Material) -> None:
    told: list[str] = []
    with prepared(material.model) as ready:
        for count in (9, 10):
            images, valid = material.images[:count], material.valid[:count]
            criterion = LeaveDecision(material.clean(material.model, images).clone())
            gather(
                ready,
                images,
                valid,
                list(range(count)),
                criterion,
                FGSM,
                tell=lambda _done, _total, words: told.append(words),
            )
            assert bool(told) == (count == 10)


MASKED = {
    "gradients are neither zero nor NaN",
    "success reaches 100 % at a large radius",
    "gradients find more than noise",
    "gradients find as much as Square",
}


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [(Steep, MASKED), (Quantised, MASKED), (Astray, MASKED - {"gradients are neither zero nor NaN"})],
)
def test_masked_gradients_are_caught(
    material: Material, wrap: Callable[[nn.Module], nn.Module], expected: set[str]
) -> None:
    found = material.checks(FGSM, wrap)
    assert failed(found) >= expected, {key: (check.status, check.words) for key, check in found.items()}
    assert all("lower bounds" in check.words for check in found.values() if check.status == "failed")


def test_nothing_is_said_of_attacks_on_a_model_that_does_not_repeat_itself(material: Material) -> None:
    found = material.checks(FGSM, Random)
    of_attack = [check for (attack, _), check in found.items() if attack == "fgsm"]
    assert len(of_attack) == 6
    assert {check.status for check in of_attack} == {"not assessable"}
    assert all("outputs are repeatable" in check.words for check in of_attack)


def test_an_attack_that_is_too_weak_for_its_model_is_caught(material: Material) -> None:
    found = material.checks({"fgsm": ("fgsm", {"steps": 3}), "fgsm-single": ("fgsm-single", {})}, Curved)
    assert failed(found) >= {"success rises with the radius", "success reaches 100 % at a large radius"}
    assert "lower bounds" in found["fgsm", "success rises with the radius"].words
    of_single = [name for attack, name in found if attack == "fgsm-single"]
    assert of_single == ["gradients find more than noise", "gradients find as much as Square"]


def test_a_named_step_size_that_carries_nowhere_is_not_called_masking(material: Material) -> None:
    found = material.checks({"fgsm": ("fgsm", {"steps": 5, "alpha": 0.02 / 255})})
    check = found["fgsm", "success reaches 100 % at a large radius"]
    assert check.status == "not assessable"
    assert "no farther than 0.1 grey levels" in check.words


def test_attacks_without_gradients_have_no_checks_of_their_own(material: Material) -> None:
    found = material.checks({"square": ("square", {}), "noise": ("noise", {})})
    assert {attack for attack, _ in found} == {None}


def test_of_worst_a_member_that_follows_gradients_is_tried(material: Material) -> None:
    attacks: Attacks = {
        "worst": ("worst", {"attacks": "square+fgsm-single"}),
        "again": ("fgsm-single", {"epsilon": 0.02}),
    }
    found = material.checks(attacks)
    ours, same = ([check for (attack, _), check in found.items() if attack == name] for name in attacks)
    assert [check.words for check in ours] == [check.words for check in same]
    assert all("reached by fgsm-single" in check.words for check in ours)


def test_figures_repeat(material: Material) -> None:
    attacks: Attacks = {"pgd": ("pgd", {"steps": 2})}
    assert material.checks(attacks) == material.checks(attacks)
