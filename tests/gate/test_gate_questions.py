"""Which attack and explainer of an audit a policy means: the very same, or none."""

from pathlib import Path
from typing import Any

import pytest
from judged_audits import made

from xaiaudit.audit_files import read_record
from xaiaudit.gate.asked import attack_spec, criterion_spec, explainer_spec
from xaiaudit.gate.questions import NotThere, find_attack, find_explainer
from xaiaudit.records import AttackRecord, AuditRecord


def with_attacks(*changes: dict[str, Any]) -> AuditRecord:
    record = made().record
    attacks = [record.attacks[0].model_copy(update=change) for change in changes]
    return record.model_copy(update={"attacks": attacks})


def found(record: AuditRecord, text: str, criterion: str | None = None) -> AttackRecord:
    return find_attack(record, attack_spec(text), criterion and criterion_spec(criterion))


def test_attacks_of_a_real_audit_are_found_by_what_the_policy_writes(audit_folder: Path) -> None:
    record = read_record(audit_folder)
    assert found(record, "fgsm").id == "fgsm"
    assert found(record, "pgd:epsilon=2/255,steps=5", "leave-decision").id == "pgd"
    assert found(record, "pgd:steps=5,epsilon=0.00784313725490196").id == "pgd"
    assert found(record, "deepfool").id == "deepfool"
    assert record.attacks[1].defaults == {"epsilon": 8 / 255, "steps": 40, "restarts": 1, "alpha": None}
    for text in ("pgd", "pgd:epsilon=2/255", "fgsm:steps=24", "deepfool:norm=linf", "mi-fgsm"):
        with pytest.raises(NotThere):
            found(record, text)
    with pytest.raises(NotThere, match=r"pgd was made with steps 5, not with steps 40"):
        found(record, "pgd:epsilon=2/255")
    with pytest.raises(NotThere, match="after another goal"):
        found(record, "fgsm", "true-label")


def test_of_arts_attacks_what_is_not_written_is_arts_own() -> None:
    whole = {"eps": 0.1, "norm": "inf", "max_iter": 100, "batch_size": 128}
    defaults = whole | {"eps": 0.3}
    art = {"id": "art:SquareAttack", "name": "art:SquareAttack", "parameters": whole}
    record = with_attacks(art | {"defaults": defaults})
    assert found(record, "art:SquareAttack:eps=0.1").parameters == whole
    assert found(record, "art:SquareAttack:eps=0.1,max_iter=100").parameters == whole
    for text in ("art:SquareAttack:eps=0.2", "art:SquareAttack:eps=0.1,max_iter=50", "art:SquareAttack"):
        with pytest.raises(NotThere):
            found(record, text)
    with pytest.raises(NotThere):  # it was weakened, and the policy does not say so
        found(
            with_attacks(art | {"parameters": whole | {"max_iter": 1}, "defaults": defaults}),
            "art:SquareAttack:eps=0.1",
        )
    with pytest.raises(NotThere):  # an audit of old does not say what was left to ART
        found(with_attacks(art | {"defaults": None}), "art:SquareAttack:eps=0.1")


def test_a_goal_is_the_same_with_its_defaults() -> None:
    own = {"criterion_name": "lower-dice", "criterion": "the Dice falls"}
    record = with_attacks(
        {"parameters": {"epsilon": 0.1, "steps": 25, "alpha": None}},
        {"id": "fgsm-2", "parameters": {"epsilon": 0.1, "steps": 25, "alpha": None}, **own,
         "criterion_parameters": {"limit": 0.5}},
    )  # fmt: skip
    assert found(record, "fgsm", "lower-dice").id == "fgsm-2"
    assert found(record, "fgsm", "leave-decision").id == "fgsm"
    assert found(record, "fgsm").id == "fgsm"  # the usual goal where none is named
    with pytest.raises(NotThere):
        found(record, "fgsm", "lower-dice:limit=0.4")


def test_explainers_are_the_same_but_for_the_layer_of_another_network() -> None:
    (explainer,) = made().record.explainers
    record = made().record.model_copy(
        update={"explainers": [explainer.model_copy(update={"parameters": {"layer": "layer3"}})]}
    )
    assert find_explainer(record, explainer_spec("grad-cam:layer=layer3")).id == "grad-cam"
    for text in ("grad-cam", "grad-cam:layer=layer4"):
        with pytest.raises(NotThere, match="made with layer layer3"):
            find_explainer(record, explainer_spec(text))
        assert find_explainer(record, explainer_spec(text), any_layer=True).id == "grad-cam"
    other = explainer.model_copy(update={"id": "grad-cam-2", "parameters": {"layer": None}})
    two = record.model_copy(update={"explainers": [*record.explainers, other]})
    for text, name in (("grad-cam", "grad-cam-2"), ("grad-cam:layer=layer3", "grad-cam")):
        for any_layer in (False, True):
            assert find_explainer(two, explainer_spec(text), any_layer=any_layer).id == name
    another = explainer.model_copy(update={"parameters": {"layer": "layer3", "samples": 4}})
    with pytest.raises(NotThere, match="samples 4"):
        find_explainer(
            record.model_copy(update={"explainers": [another]}), explainer_spec("grad-cam"), any_layer=True
        )
    with pytest.raises(NotThere, match="no maps of cam; it has grad-cam"):
        find_explainer(record, explainer_spec("cam"), any_layer=True)
