"""Regressions: this audit against the baseline on the same images, by hand and by the field's tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from judged_audits import finding, flags, made, policy

from xaiaudit.errors import AuditError
from xaiaudit.gate.audited import Audited
from xaiaudit.gate.judging import judged
from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.metrics.auc_difference import auc_worsening
from xaiaudit.metrics.differences import paired_difference, worsening
from xaiaudit.records import RegionCoverage

FLIPS = 'metric = "flip-rate"\nattack = "fgsm"\nmax_regression = {}'
MISSED = 'metric = "missed-cancers"\nattack = "fgsm"\nmax_regression = 0.0'


def compare(folder: Path, new: Audited, old: Audited | None, *lines: str, **options: Any) -> Verdict:
    return judged(new, policy(folder, *lines, **options), old)


def the_regression(verdict: Verdict) -> Finding:
    (found,) = (item for item in verdict.findings if item.kind == "regression")
    return found


def test_a_rise_is_tested_in_pairs_against_what_is_tolerated(tmp_path: Path) -> None:
    before, after = flags(20, 100), (np.arange(100) >= 5) & (np.arange(100) < 45)  # 5 lost, 25 gained
    new, old = (made(100, flipped={"fgsm": flips}) for flips in (after, before))
    for tolerated, status in ((0.0, "failed"), (0.15, "passed"), (0.2, "passed")):
        found = the_regression(compare(tmp_path, new, old, FLIPS.format(tolerated)))
        assert (found.id, found.status) == ("flip-rate/fgsm/no-worse", status)
        assert (found.estimate, found.baseline, found.images) == (0.4, 0.2, 100)
        assert found.p == worsening(before, after, np.arange(100), tolerated=tolerated)
        assert found.change == paired_difference(before, after, np.arange(100), level=0.9)
        assert found.sample is not None
        assert found.sample.rate == 0.2
    assert found.change.estimate == pytest.approx(0.2)
    assert "40.0 %" in found.words
    assert "20.0 % of the baseline on the same images: +20.0 points" in found.words
    assert "tolerated 20.0 points worse" in found.words


def test_what_falls_is_worse_where_high_is_good(tmp_path: Path) -> None:
    new, old = made(200, wrong=30), made(200, wrong=10)
    lines = [
        f'metric = "{metric}"\nmax_regression = 0.05'
        for metric in ("accuracy", "balanced-accuracy", "sensitivity")
    ]
    verdict = compare(tmp_path, new, old, *lines)
    for metric in ("accuracy", "balanced-accuracy", "sensitivity"):
        found = finding(verdict, f"{metric}/no-worse")
        assert found.change is not None
        assert (found.estimate, found.baseline, found.status) == (0.7, 0.9, "failed")
        assert found.change.estimate == pytest.approx(-0.2)
    better = compare(tmp_path, old, new, *lines)
    assert {item.status for item in better.findings if item.kind == "regression"} == {"passed"}


def test_brier_scores_and_areas_are_compared_too(tmp_path: Path) -> None:
    n, rng = 200, np.random.default_rng(0)
    label = (np.arange(n) >= n // 2).astype(int)
    good = 2.0 * (2 * label - 1) + rng.normal(size=n)
    poor = 0.3 * (2 * label - 1) + rng.normal(size=n)
    new, old = (made(n, margin=margin) for margin in (poor, good))
    lines = ['metric = "auc"\nmax_regression = 0.0', 'metric = "brier"\nmax_regression = 0.0']
    verdict = compare(tmp_path, new, old, *lines)
    auc, brier = (finding(verdict, f"{metric}/no-worse") for metric in ("auc", "brier"))
    assert {auc.status, brier.status} == {"failed"}
    assert auc.p == auc_worsening(label == 1, good, poor, np.arange(n))
    chances = 1 / (1 + np.exp(-np.stack([poor, good]).astype(np.float32).astype(float)))
    assert (brier.estimate, brier.baseline) == pytest.approx(((chances - label) ** 2).mean(1), abs=1e-9)


def test_a_fall_of_the_dice_is_worse(tmp_path: Path) -> None:
    drawn = 0.8 + 0.01 * (np.arange(40) % 3)

    def outlined(dice: np.ndarray) -> Audited:
        audited = made(40)
        table = audited.predictions
        place = table.column_names.index("dice")
        return replace(audited, predictions=table.set_column(place, "dice", pa.array(np.tile(dice, 3))))

    lines = 'metric = "dice"\nmax_regression = 0.02'
    for new, old, status in ((drawn - 0.1 * drawn, drawn, "failed"), (drawn, drawn - 0.1 * drawn, "passed")):
        found = the_regression(compare(tmp_path, outlined(new), outlined(old), lines))
        assert found.change is not None
        assert found.change.estimate == pytest.approx((new - old).mean())
        assert found.status == status


def test_holm_is_over_all_regressions_that_can_be_tested(tmp_path: Path) -> None:
    after = (np.arange(100) >= 5) & (np.arange(100) < 32)  # 5 lost, 12 gained: 0.04 by itself
    new, old = made(100, flipped={"fgsm": after}), made(100, flipped={"fgsm": flags(20, 100)})
    alone = the_regression(compare(tmp_path, new, old, FLIPS.format(0.0)))
    assert alone.p is not None
    assert 0.03 < alone.p < 0.05
    assert (alone.p_holm, alone.status) == (alone.p, "failed")
    others = ['metric = "accuracy"\nmax_regression = 0.0', 'metric = "sensitivity"\nmax_regression = 0.0']
    verdict = compare(tmp_path, new, old, FLIPS.format(0.0), *others)
    found = finding(verdict, "flip-rate/fgsm/no-worse")
    assert (found.p, found.p_holm, found.status) == (alone.p, pytest.approx(3 * alone.p), "passed")
    unknown = 'metric = "accuracy"\nmax_regression = 0.0\nsubgroup = { device = "none" }'
    verdict = compare(tmp_path, new, old, FLIPS.format(0.0), unknown)
    assert finding(verdict, "flip-rate/fgsm/no-worse").p_holm == alone.p
    assert finding(verdict, "accuracy/device=none/no-worse").status == "not assessed"


def test_rows_pair_by_image_whatever_their_order_and_names(tmp_path: Path) -> None:
    n, rng = 60, np.random.default_rng(1)
    label, before, after = (np.arange(n) % 2, rng.random(n) < 0.3, rng.random(n) < 0.4)
    sha = [f"{value:x}" for value in rng.integers(1 << 40, size=n)]
    sha[1], label[1] = sha[0], 1 - label[0]  # one image twice, with either label
    sha[3], label[3] = sha[2], label[2]  # and one twice alike

    def audit(order: np.ndarray, flips: np.ndarray) -> Audited:
        margin = (2.0 * label - 1)[order]
        named = [sha[number] for number in order]
        own: dict[str, Any] = {"label": label[order], "margin": margin, "sha256": named}
        return made(n, **own, case=[f"salt{number // 2}" for number in order], flipped={"fgsm": flips[order]})

    straight, turned = np.arange(n), np.roll(np.arange(n), 20)  # the two that are alike stay in their order
    one = the_regression(
        compare(tmp_path, audit(straight, after), audit(straight, before), FLIPS.format(0.0))
    )
    other = the_regression(
        compare(tmp_path, audit(straight, after), audit(turned, before), FLIPS.format(0.0))
    )
    assert one == other
    assert one.cases == 30


def test_images_that_count_in_one_audit_alone_are_left_out_and_counted(tmp_path: Path) -> None:
    """Cancers 20 to 39 of 40: the baseline finds all, the new one the first 16; of these 4 and then 8 are hidden."""
    hidden_before, hidden_after = flags(24, 40), flags(28, 40)
    new = made(40, wrong=4, flipped={"fgsm": hidden_after})
    old = made(40, wrong=0, flipped={"fgsm": hidden_before})
    found = the_regression(compare(tmp_path, new, old, MISSED))
    assert (found.estimate, found.baseline, found.images) == (0.5, 0.25, 16)
    assert "4 more count in one of the two alone" in found.words


def test_vanished_maps_and_undefined_ones(tmp_path: Path) -> None:
    silent = 'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax_regression = 0.0'
    before = np.where(flags(4, 100), np.nan, 0.0)
    after = np.where(np.arange(100) >= 95, np.nan, flags(50, 100))
    new, old = (made(100, silent={"fgsm": values}) for values in (after, before))
    found = the_regression(compare(tmp_path, new, old, silent))
    assert (found.images, found.baseline, found.estimate) == (91, 0.0, pytest.approx(46 / 91))
    assert "9 more count in one of the two alone" in found.words


def test_silent_shifts_are_compared_only_where_decisions_stood(tmp_path: Path) -> None:
    silent = 'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax_regression = 0.0'
    all_flip = made(100, flips=95, silent={"fgsm": np.zeros(100)})
    some = made(100, flips=30, silent={"fgsm": ~flags(70, 100) * 1.0})
    found = the_regression(compare(tmp_path, some, all_flip, silent))
    assert found.status == "not assessed"
    assert "of the baseline: only 5 of 100 decisions stood" in found.words
    found = the_regression(compare(tmp_path, all_flip, some, silent))
    assert found.status == "not assessed"
    assert "not shown to be worse, but only 5 of 100 decisions stood" in found.words


def test_without_a_baseline_nothing_is_assessed_unless_it_is_left_out(tmp_path: Path) -> None:
    read = policy(tmp_path, FLIPS.format(0.0), 'metric = "auc"\nmin = 0.1')
    verdict = judged(made(), read, None)
    assert (the_regression(verdict).status, verdict.verdict) == ("not assessed", "not assessed")
    assert "there is no baseline" in the_regression(verdict).words
    verdict = judged(made(), read, None, no_baseline=True)
    assert verdict.verdict == "passed"
    assert not [item for item in verdict.findings if item.kind == "regression"]
    assert verdict.notes[0] == "1 regression of the policy was left out: --no-baseline was said"


def test_a_constant_model_is_compared_with_nothing(tmp_path: Path) -> None:
    constant = made(40, margin=np.full(40, -1.0), flips=0)
    for new, old in ((constant, made(40)), (made(40), constant)):
        found = the_regression(compare(tmp_path, new, old, FLIPS.format(0.5)))
        assert found.status == "not assessed"
        assert "gives one decision" in found.words
        assert ("of the baseline" in found.words) == (old is constant)


def test_a_baseline_that_failed_where_it_counts_is_compared_with_nothing(tmp_path: Path) -> None:
    """On 6 of 200 images, in another order than here, which are 10 % of device B."""
    device, line = ["A"] * 140 + ["B"] * 60, FLIPS.format(0.0) + '\nsubgroup = {{ device = "{}" }}'
    sha = [f"{number:03}" for number in range(200)]
    new = made(200, flips=0, wrong=40, sha256=sha, subgroups={"device": device})
    turned = np.arange(200)[::-1].copy()
    old = made(
        200,
        label=(turned >= 100).astype(int),
        margin=np.where(np.arange(200) % 2 == 0, 1.0, -1.0),
        flipped={"fgsm": np.zeros(200, bool)},
        failed={"fgsm": np.isin(turned, range(140, 146))},
        sha256=[sha[number] for number in turned],
    )
    for value, status in (("A", "passed"), ("B", "not assessed")):
        found = the_regression(compare(tmp_path, new, old, line.format(value)))
        assert found.status == status
    assert "of the baseline: the attack failed on 6 of 60 images behind the figure" in found.words


def test_a_weak_attack_proves_no_equality_but_a_rise_is_real(tmp_path: Path) -> None:
    from xaiaudit.records import SelfCheckRecord

    check = SelfCheckRecord(attack_id="fgsm", name="noise finds less", status="failed", words="", figures={})
    doubtful = {"changes": {"checks": [check]}}
    found = the_regression(
        compare(tmp_path, made(100, flips=10, **doubtful), made(100, flips=10), FLIPS.format(0.0))
    )
    assert found.status == "not assessed"
    assert "it does not hold that noise finds less" in found.words
    found = the_regression(
        compare(tmp_path, made(100, flips=60, **doubtful), made(100, flips=10), FLIPS.format(0.0))
    )
    assert found.status == "failed"
    found = the_regression(
        compare(tmp_path, made(100, flips=60), made(100, flips=10, **doubtful), FLIPS.format(0.0))
    )
    assert found.status == "not assessed"


def test_an_audit_beside_itself_is_told(tmp_path: Path) -> None:
    verdict = compare(tmp_path, made(100), made(100), FLIPS.format(0.0))
    assert (verdict.verdict, verdict.notes[0]) == (
        "passed",
        "the baseline is this very audit, against which nothing can be worse",
    )
    other = made(100, changes={"command": ["again"]})
    assert "the baseline is" not in " ".join(compare(tmp_path, other, made(100), FLIPS.format(0.0)).notes)


def test_too_few_pairs_are_not_assessed(tmp_path: Path) -> None:
    old = made(40, silent={"fgsm": np.where(flags(20, 40), np.nan, 0.0)})
    silent = 'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax_regression = 0.0'
    found = the_regression(compare(tmp_path, made(40), old, silent, gate="min_cases = 21"))
    assert (found.status, found.cases) == ("not assessed", 20)


REGIONS = RegionCoverage(ring_mm=4.0, calibrated=40, relative=0, without_lesion=0)
RELATIVE = RegionCoverage(ring_mm=5.0, calibrated=0, relative=40, without_lesion=0)
BF16 = made().record.environment.model_copy(update={"precision": "bf16"})
CHECKPOINT = made().record.checkpoint


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"sha256": [*map(str, range(38)), "x", "y"]}, r"images \(2 of 40 are not in the baseline, 2 of its 40"),
        ({"label": 1 - (np.arange(40) >= 20), "margin": np.linspace(-1, 1, 40)}, r"labels \(of 40 of 40 images\)"),
        ({"attacks": {"fgsm": {"epsilon": 2 / 255}}}, r"made with epsilon 0.00784314, not with epsilon 0.00392157"),
        ({"changes": {"seed": 1}}, r"seed \(0 here, 1 there\)"),
        ({"changes": {"environment": BF16}}, r"precision \(float32 here, bf16 there\)"),
        ({"changes": {"regions": RELATIVE}}, r"without a lesion \(40, 0, 0 here, 0, 40, 0 there\)"),
        ({"changes": {"regions": REGIONS}}, r"ring \(5 mm here, 4 mm there\)"),
        ({"changes": {"checkpoint": CHECKPOINT.model_copy(update={"positive": "benign"})}},
         r"positive class \(malignant here, benign there\)"),
        ({"changes": {"checkpoint": CHECKPOINT.model_copy(update={"classes": ["malignant", "benign"]})}}, "classes"),
        ({"changes": {"checkpoint": CHECKPOINT.model_copy(update={"preprocessing": {"size": 96, "mode": "pad"}})}},
         r"preprocessing \(size 224 here, 96 there\)"),
        ({"swept": None}, "simulated second sweeps"),
        ({"changes": {"explainers": []}}, "the audit has no maps of grad-cam"),
    ],
)  # fmt: skip
def test_audits_that_differ_are_refused_by_name(tmp_path: Path, other: dict[str, Any], words: str) -> None:
    lines = [
        FLIPS.format(0.0),
        'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "grad-cam"\nmax_regression = 0.0',
        'metric = "sweep-flip-rate"\nmax_regression = 0.0',
    ]
    with pytest.raises(AuditError, match=words) as caught:
        compare(tmp_path, made(40), made(40, **other), *lines)
    assert "cannot be compared" in str(caught.value)


def test_a_baseline_of_more_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        AuditError, match=r"images \(0 of 40 are not in the baseline, 20 of its 60 not here\)"
    ):
        compare(tmp_path, made(40), made(60), FLIPS.format(0.0))


def test_what_no_regression_asks_about_may_differ(tmp_path: Path) -> None:
    others = made(
        40,
        attacks={"fgsm": {"epsilon": 1 / 255}, "pgd": {}},
        flipped=dict.fromkeys(("fgsm", "pgd"), flags(10, 40)),
        silent={},
        swept=None,
        changes={"explainers": [], "regions": RELATIVE},
    )
    assert compare(tmp_path, made(40), others, FLIPS.format(0.0)).verdict == "passed"
    (explainer,) = made().record.explainers
    layer = explainer.model_copy(
        update={"layer": "features", "parameters": {"layer": "features"}}
    )  # another network's
    maps = 'metric = "pointing"\nexplainer = "grad-cam"\nmax_regression = 0.0'
    assert compare(tmp_path, made(40), made(40, changes={"explainers": [layer]}), maps).verdict == "passed"


def test_a_baseline_from_before_inputs_were_recorded_is_prepared_alike(tmp_path: Path) -> None:
    assert "inputs" not in CHECKPOINT.preprocessing
    now = CHECKPOINT.model_copy(update={"preprocessing": {**CHECKPOINT.preprocessing, "inputs": []}})
    new = made(40, changes={"checkpoint": now})
    assert compare(tmp_path, new, made(40), FLIPS.format(0.0)).verdict == "passed"
