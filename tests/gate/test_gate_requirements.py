"""Requirements: an audit's own figures against limits, by the one-sided bound; and what cannot be assessed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judged_audits import finding, flags, made, policy
from scipy.stats import binomtest

from xaiaudit.auditing.self_checks.model_verdicts import LOGITS, REPEATABLE
from xaiaudit.gate.assessing import OF_OUTPUTS
from xaiaudit.gate.audited import Audited, read_audited
from xaiaudit.gate.judging import judged
from xaiaudit.gate.lines import Line, counted
from xaiaudit.gate.measures import MEASURES
from xaiaudit.gate.metrics import METRICS
from xaiaudit.gate.questions import Question
from xaiaudit.gate.requirements import bounded
from xaiaudit.gate.wording import NAMES
from xaiaudit.gate_record import Finding
from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.bootstrap import bootstrap
from xaiaudit.records import AuditRecord, Interval, SelfCheckRecord

FLIPS = 'metric = "flip-rate"\nattack = "fgsm"\nmax = {}'
SILENT = 'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax = 0.9'


def judge_one(folder: Path, audited: Audited, lines: str, **options: Any) -> Finding:
    read = policy(folder, lines, **options)
    (found,) = (item for item in judged(audited, read, None).findings if item.kind == "requirement")
    return found


def test_every_metric_is_measured_and_has_a_name() -> None:
    assert MEASURES.keys() == METRICS.keys() == NAMES.keys()


@pytest.mark.parametrize("metric", METRICS)
def test_estimates_are_those_of_the_audit(metric: str, audit_folder: Path) -> None:
    audited = read_audited(audit_folder)
    record = audited.record
    kind, attack = METRICS[metric], record.attacks[1]
    question = Question(
        metric=metric,
        attack=attack if kind.of in ("attack", "map") else None,
        explainer=record.explainers[0] if kind.of in ("map", "sweep map") else None,
    )
    found = counted(audited, Line(question=question, id="one"))
    if metric == "dice":  # the network outlines nothing
        assert not found.keep.any()
        return
    figure = bounded(found, 2, upper=kind.worse == "higher")
    estimate = of_audit(record, metric, attack.id)
    assert figure.estimate == pytest.approx(estimate.estimate, abs=1e-12)
    assert (figure.n, figure.cases) == (estimate.n, estimate.cases)


def of_audit(record: AuditRecord, metric: str, attack_id: str) -> Interval:
    """The audit's own statistic."""
    (attack,) = (item for item in record.attacks if item.id == attack_id)
    (shift,) = (
        item
        for item in record.maps
        if (item.attack_id, item.explainer_id, item.target) == (attack_id, record.explainers[0].id, "same")
    )
    assert record.variability is not None
    if metric == "brier":
        assert record.clean.reliability is not None
        return record.clean.reliability.brier
    found: dict[str, Interval | None] = {
        "auc": record.clean.auc,
        "accuracy": record.clean.accuracy,
        "balanced-accuracy": record.clean.balanced_accuracy,
        "sensitivity": record.clean.sensitivity,
        "specificity": record.clean.specificity,
        "flip-rate": attack.flips,
        "robust-accuracy": attack.robust_accuracy,
        "missed-cancers": attack.missed_cancers,
        "false-alarms": attack.false_alarms,
        "goal-rate": attack.reached,
        "silent-shift": shift.silent_shift,
        "vanished": shift.silent_shift.model_copy(update={"estimate": shift.vanished / shift.silent_shift.n}),
        "pointing": next(
            item for item in shift.pointing if (item.region, item.extreme) == ("any", "maximum")
        ).after,
        "sweep-flip-rate": record.variability.changes[-1].decisions_changed,
        "sweep-silent-shift": next(
            item
            for item in record.variability.shifts
            if (item.change_id, item.explainer_id)
            == (record.variability.changes[-1].id, record.explainers[0].id)
        ).silent_shift,
    }
    statistic = found[metric]
    assert statistic is not None
    return statistic


@pytest.mark.parametrize(("limit", "status"), [(0.39, "passed"), (0.38, "failed"), (0.24, "failed")])
def test_the_bound_decides_and_not_the_estimate(tmp_path: Path, limit: float, status: str) -> None:
    exact = binomtest(10, 40, alternative="less").proportion_ci(method="exact").high
    assert 0.38 < exact < 0.39
    found = judge_one(tmp_path, made(40, flips=10), FLIPS.format(limit))
    assert (found.estimate, found.status, found.images, found.cases) == (0.25, status, 40, 40)
    assert found.bound == pytest.approx(exact, abs=1e-9)
    assert "25.0 % under fgsm within 1 grey level before rounding to 8 bits, at most 38.7 %" in found.words
    assert ("the estimate holds it" in found.words) == (limit == 0.38)


def test_the_estimate_decides_where_the_policy_says_so(tmp_path: Path) -> None:
    for limit, status in ((0.25, "passed"), (0.24, "failed")):
        found = judge_one(tmp_path, made(40, flips=10), FLIPS.format(limit) + '\njudge = "estimate"')
        assert (found.status, found.judged_by) == (status, "estimate")


def test_a_rate_that_must_be_high_is_held_by_its_lower_bound(tmp_path: Path) -> None:
    found = judge_one(tmp_path, made(40, wrong=4), 'metric = "sensitivity"\nmin = 0.6')
    low = binomtest(16, 20, alternative="greater").proportion_ci(method="exact").low
    assert (found.estimate, found.sense, found.status) == (0.8, "at least", "failed")
    assert found.bound == pytest.approx(low, abs=1e-9)


def test_areas_and_means_are_held_by_their_one_sided_bounds(tmp_path: Path) -> None:
    n, rng = 60, np.random.default_rng(0)
    label = (np.arange(n) >= n // 2).astype(int)
    margin = 2.0 * label - 1 + rng.normal(size=n)
    audited = made(n, margin=margin)
    area = auc(label == 1, margin.astype(np.float32), np.arange(n), level=0.9)
    found = judge_one(tmp_path, audited, 'metric = "auc"\nmin = 0.5')
    assert found.bound == pytest.approx(area.low, abs=1e-6)
    scores = (1 / (1 + np.exp(-margin)) - label) ** 2
    found = judge_one(tmp_path, audited, 'metric = "brier"\nmax = 0.5')
    assert found.bound == pytest.approx(bootstrap(scores, np.arange(n), level=0.9).high, abs=1e-6)


def test_a_mean_of_equal_values_is_no_surer_than_a_share(tmp_path: Path) -> None:
    """Probabilities of 0 and 1 and no error in 30 cases: an error in 10 images may still be there."""
    for n, status in ((30, "failed"), (100, "passed")):
        label = np.where(np.arange(n) >= n // 2, 1.0, -1.0)
        found = judge_one(tmp_path, made(n, margin=2000 * label), 'metric = "brier"\nmax = 0.05')
        assert (found.estimate, found.status) == (0.0, status)
        assert found.bound == pytest.approx(1 - 0.05 ** (1 / n))


def test_where_no_bound_can_be_given_nothing_is_passed(tmp_path: Path) -> None:
    audited = made(40, margin=np.full(40, -1.0))
    for limit, status in ((0.4, "not assessed"), (0.6, "failed")):
        found = judge_one(tmp_path, audited, f'metric = "auc"\nmin = {limit}')
        assert (found.estimate, found.bound, found.status) == (0.5, None, status)


def test_missed_cancers_are_of_those_that_were_found(tmp_path: Path) -> None:
    # of 20 cancers 16 are found; the last 30 images flip, so of these 16 all do
    flipped = {"fgsm": ~flags(10, 40)}
    found = judge_one(
        tmp_path, made(40, flipped=flipped), 'metric = "missed-cancers"\nattack = "fgsm"\nmax = 0.5'
    )
    assert (found.estimate, found.images, found.status) == (1.0, 16, "failed")


@pytest.mark.parametrize("positive", [False, True])
def test_a_model_that_says_one_thing_fails(tmp_path: Path, positive: bool) -> None:
    margin = np.full(100, 2.0 if positive else -2.0)
    audited = made(100, flips=0, margin=margin, silent={"fgsm": np.zeros(100)}, swept=flags(0, 100))
    read = policy(
        tmp_path,
        'metric = "auc"\nmin = 0.7',
        'metric = "sensitivity"\nmin = 0.5',
        'metric = "specificity"\nmin = 0.5',
        FLIPS.format(0.5),
        'metric = "sweep-flip-rate"\nmax = 0.5',
    )
    verdict = judged(audited, read, None)
    assert verdict.verdict == "failed"
    assert finding(verdict, "auc").status == "failed"
    assert finding(verdict, "auc").estimate == 0.5
    assert finding(verdict, "specificity" if positive else "sensitivity").status == "failed"
    assert finding(verdict, "flip-rate/fgsm").status == "not assessed"
    assert finding(verdict, "sweep-flip-rate").status == "not assessed"


def test_too_few_cases_are_not_assessed(tmp_path: Path) -> None:
    audited = made(40, case=np.arange(40) // 4)
    found = judge_one(tmp_path, audited, FLIPS.format(0.9), gate="min_cases = 11")
    assert (found.status, found.cases) == ("not assessed", 10)
    assert "10 cases (40 images), and the policy asks for 11" in found.words
    assert judge_one(tmp_path, audited, FLIPS.format(0.9), gate="min_cases = 10").status == "passed"
    own = FLIPS.format(0.9) + "\nmin_cases = 10"
    assert judge_one(tmp_path, audited, own, gate="min_cases = 11").status == "passed"


def test_a_weaker_attack_of_the_same_name_is_not_judged(tmp_path: Path) -> None:
    for named in ({"epsilon": 1 / 255, "steps": 2}, {"epsilon": 0.5 / 255}):
        found = judge_one(tmp_path, made(40, flips=0, attacks={"fgsm": named}), FLIPS.format(0.9))
        assert found.status == "not assessed"
        assert "made with" in found.words
    other = made(40, flipped={"pgd": flags(0, 40)}, attacks={"pgd": {"epsilon": 1 / 255}}, silent={})
    found = judge_one(tmp_path, other, FLIPS.format(0.9))
    assert (found.status, found.id) == ("not assessed", "flip-rate/fgsm")
    assert "the audit has no attack fgsm; it has pgd" in found.words


def test_another_goal_is_not_judged_as_a_flip_rate(tmp_path: Path) -> None:
    """Of a model that outlines alone, whose usual goal is the Dice: few flips prove nothing, and many are real."""
    record = made(40).record
    other = record.attacks[0].model_copy(
        update={"criterion_name": "lower-dice", "criterion": "the Dice falls"}
    )
    outlines = record.checkpoint.model_copy(update={"diagnoses": False})
    for limit, flips, status in ((0.9, 0, "not assessed"), (0.1, 40, "failed")):
        audited = made(40, flips=flips, changes={"attacks": [other], "checkpoint": outlines})
        found = judge_one(tmp_path, audited, FLIPS.format(limit))
        assert found.status == status


def test_where_no_goal_is_named_another_than_the_usual_one_is_not_judged(tmp_path: Path) -> None:
    """An attack that drives all images to one class moves maps and decisions less than the one that is asked for."""
    (attack,) = made(40).record.attacks
    goal = {
        "criterion_name": "target-class",
        "criterion_parameters": {"class": "benign"},
        "criterion": "benign",
    }
    audited = made(40, silent={"fgsm": np.zeros(40)}, changes={"attacks": [attack.model_copy(update=goal)]})
    for lines in (SILENT, FLIPS.format(0.9), 'metric = "goal-rate"\nattack = "fgsm"\nmax = 0.9'):
        found = judge_one(tmp_path, audited, lines)
        assert (found.status, "after another goal: benign" in found.words) == ("not assessed", True)


def test_few_flips_prove_nothing_where_a_check_fails_and_many_are_real(tmp_path: Path) -> None:
    for attack_id, held in (("fgsm", False), (None, False), ("pgd", True)):
        check = SelfCheckRecord(
            attack_id=attack_id, name="gradients find more", status="failed", words="", figures={}
        )
        for flips, status in ((0, "passed" if held else "not assessed"), (40, "failed")):
            found = judge_one(tmp_path, made(40, flips=flips, changes={"checks": [check]}), FLIPS.format(0.5))
            assert found.status == status


def test_clean_figures_depend_on_the_outputs_of_the_model_alone(tmp_path: Path) -> None:
    assert OF_OUTPUTS == (REPEATABLE, LOGITS)
    for name, status in ((REPEATABLE, "not assessed"), ("gradients are neither zero nor NaN", "passed")):
        check = SelfCheckRecord(attack_id=None, name=name, status="failed", words="", figures={})
        audited = made(100, wrong=2, changes={"checks": [check]})
        assert judge_one(tmp_path, audited, 'metric = "auc"\nmin = 0.6').status == status


def test_an_attack_that_breaks_down_is_no_sign_of_robustness(tmp_path: Path) -> None:
    (attack,) = made(40).record.attacks
    for failed, status in ((2, "passed"), (3, "not assessed")):  # of 40, at most 5 %
        broken = attack.model_copy(update={"failed": failed})
        audited = made(40, flips=0, changes={"attacks": [broken]})
        assert judge_one(tmp_path, audited, FLIPS.format(0.9)).status == status


def test_failures_are_counted_among_the_images_behind_the_figure(tmp_path: Path) -> None:
    """Of 200 images the attack failed on 6, 3 %: of the 60 of device B these are 10 %."""
    device = ["A"] * 140 + ["B"] * 60
    lines = FLIPS.format(0.9) + '\nsubgroup = {{ device = "{}" }}'
    where = np.isin(np.arange(200), range(140, 146))
    audited = made(
        200, flips=0, wrong=40, failed={"fgsm": where}, subgroups={"device": device}
    )  # fmt: skip
    assert judge_one(tmp_path, audited, FLIPS.format(0.9)).status == "passed"
    assert judge_one(tmp_path, audited, lines.format("A")).status == "passed"
    found = judge_one(tmp_path, audited, lines.format("B"))
    assert found.status == "not assessed"
    assert "the attack failed on 6 of 60 images behind the figure" in found.words


def test_outputs_that_are_no_numbers_pass_nothing(tmp_path: Path) -> None:
    """An AUC leaves them out, and a decision by them is an accident; what is bad without them is bad."""
    margin = np.where(np.arange(100) >= 50, 2.0, -2.0) * (1 + np.arange(100) / 100)
    margin[[3, 60]] = np.nan
    audited = made(100, flips=0, margin=margin)
    for lines in ('metric = "auc"\nmin = 0.6', 'metric = "specificity"\nmin = 0.5', FLIPS.format(0.9)):
        found = judge_one(tmp_path, audited, lines)
        assert found.status == "not assessed"
        assert "the model's outputs are not finite on 2 of 100 images" in found.words
    audited = made(100, flips=60, margin=margin)
    assert judge_one(tmp_path, audited, FLIPS.format(0.5)).status == "failed"


def test_a_model_that_hardly_decides_in_a_subgroup_is_not_assessed_there(tmp_path: Path) -> None:
    device = np.where(np.arange(200) % 2 == 0, "A", "B")
    label = (np.arange(200) >= 100).astype(int)
    margin = np.where(device == "A", -1.0, 2.0 * label - 1)  # benign, whatever device A shows
    audited = made(200, flips=0, margin=margin, label=label, subgroups={"device": device.tolist()})
    lines = FLIPS.format(0.9) + "\nsubgroup = {{ {} }}"
    for subgroup, status in (
        ('device = "A"', "not assessed"),
        ('device = "B"', "passed"),
        ('device = "A", label = "benign"', "passed"),  # where they are all benign, that is right
    ):
        found = judge_one(tmp_path, audited, lines.format(subgroup))
        assert found.images == (50 if "label" in subgroup else 100)
        assert found.status == status
        assert ("hardly decides there" in found.words) == (status != "passed")


def test_undefined_maps_are_counted_and_never_pass(tmp_path: Path) -> None:
    silent = np.where(flags(4, 40), np.nan, 0.0)
    found = judge_one(tmp_path, made(40, silent={"fgsm": silent}), SILENT)
    assert (found.status, found.images) == ("passed", 36)
    assert "4 more with an undefined clean map" in found.words
    found = judge_one(tmp_path, made(40, silent={"fgsm": np.full(40, np.nan)}), SILENT)
    assert (found.status, found.images) == ("not assessed", 0)
    assert "the clean map of 40 is undefined" in found.words


def test_no_silent_shift_is_no_merit_where_no_decision_stands(tmp_path: Path) -> None:
    for flips, status in ((90, "passed"), (91, "not assessed")):
        flipped = {"fgsm": flags(flips, 100)}
        found = judge_one(tmp_path, made(100, flipped=flipped, silent={"fgsm": np.zeros(100)}), SILENT)
        assert found.status == status
    assert "only 9 of 100 decisions stood, so that it proves nothing" in found.words
    limit = SILENT.replace("0.9", "0.01")
    found = judge_one(tmp_path, made(100, flipped=flipped, silent={"fgsm": ~flags(91, 100) * 1.0}), limit)
    assert found.status == "failed"  # those that are there are real


def test_subgroups_are_judged_alone_and_unknown_ones_are_named(tmp_path: Path) -> None:
    device = ["A" if flip else "B" for flip in flags(10, 40)]
    audited = made(40, flips=10, subgroups={"device": device})
    of_b = FLIPS.format(0.5) + '\nsubgroup = {{ device = "{}" }}'
    found = judge_one(tmp_path, audited, of_b.format("B"))
    assert (found.estimate, found.images, found.subgroup, found.status) == (0.0, 30, "device=B", "passed")
    assert found.id == "flip-rate/fgsm/device=B"
    assert "among device=B" in found.words
    assert judge_one(tmp_path, audited, of_b.format("b @10-14MHz")).images == 30  # as datasets spell it
    found = judge_one(tmp_path, audited, of_b.format("C"))
    assert found.status == "not assessed"
    assert "no image of the audit has device=C; there are A, B" in found.words
    found = judge_one(tmp_path, made(40), of_b.format("A"))
    assert "records no device" in found.words


def test_another_second_sweep_than_asked_is_not_judged(tmp_path: Path) -> None:
    line = 'metric = "sweep-flip-rate"\nmax = 0.9'
    assert judge_one(tmp_path, made(40), line).status == "passed"
    found = judge_one(tmp_path, made(40), line, audit='acquisition = ["gain"]')
    assert found.status == "not assessed"
    assert "another second sweep" in found.words
    sweep = made(40).record.variability
    assert sweep is not None
    weaker = [
        item.model_copy(update={"parameters": {"db": 0.1}}) if item.id == "gain" else item
        for item in sweep.changes
    ]
    audited = made(40, changes={"variability": sweep.model_copy(update={"changes": weaker})})
    assert "another second sweep, of" in judge_one(tmp_path, audited, line).words
    found = judge_one(tmp_path, made(40, swept=None), line)
    assert "simulated no second sweep" in found.words


def test_a_finding_stands_at_its_line_of_the_policy(tmp_path: Path) -> None:
    read = policy(tmp_path, FLIPS.format(0.9), SILENT)
    for item in judged(made(40), read, None).findings:
        if item.kind == "requirement":
            assert item.line is not None
            assert read.text.splitlines()[item.line - 1] == "[[finding]]"
