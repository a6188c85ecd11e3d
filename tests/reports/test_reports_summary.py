"""The lines at the end of `xaiaudit attack`, and the sentences behind them."""

from pathlib import Path

import pytest

from xaiaudit.records import AttackRecord, AuditRecord, CurvePoint, Interval
from xaiaudit.reports import words
from xaiaudit.reports.clean_summary import clean_lines
from xaiaudit.reports.reading import read_record
from xaiaudit.reports.summary import summary


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return read_record(folder)


def rate(estimate: float) -> Interval:
    return Interval(estimate=estimate, low=0.0, high=1.0, n=20, cases=20, method="by hand")


def test_a_statistic_without_an_interval_is_not_said_to_have_one(record: AuditRecord) -> None:
    bare = Interval(estimate=0.5, low=None, high=None, n=12, cases=12, method="by hand")
    told = clean_lines(record.clean.model_copy(update={"auc": bare}))
    assert told[0].split() == ["AUC", "0.50", "(no", "interval),", "over", "12", "cases"]
    assert "95 % interval over" in told[1]


def test_a_calibration_error_stands_beside_that_of_chance(record: AuditRecord) -> None:
    reliability = record.clean.reliability
    assert reliability is not None
    for error, said in ((0.2, "more than chance explains"), (0.1, "which chance alone may give")):
        given = reliability.model_copy(
            update={"ece": error, "ece_by_chance": 0.08, "ece_by_chance_high": 0.11}
        )
        told = clean_lines(record.clean.model_copy(update={"reliability": given}))
        (line,) = [line for line in told if line.startswith("  ECE")]
        assert line.split()[1:4] == [f"{error:.3f}", "over", str(len(reliability.bins))]
        assert said in line
        assert "0.080 on the mean, and at most 0.110 in 95 % of samples" in line
        assert any(line.startswith("  Brier score") for line in told)
    few = reliability.model_copy(
        update={"bins": [], "ece": None, "ece_by_chance": None, "ece_by_chance_high": None}
    )
    told = clean_lines(record.clean.model_copy(update={"reliability": few}))
    assert any(line.startswith("  ECE                not assessed: fewer than 20 images") for line in told)
    old = clean_lines(record.clean.model_copy(update={"reliability": None}))
    assert not any("Brier" in line or "ECE" in line for line in old)


def test_figures_of_a_model_that_is_given_the_outline_say_so(record: AuditRecord) -> None:
    assert not any("reader outlined it" in line for line in (*clean_lines(record.clean), *summary(record)))
    assert "reader outlined it" in clean_lines(record.clean, given_outline=True)[-1]
    inputs = record.checkpoint.preprocessing | {"inputs": ["grey", "grey", "mask"]}
    given = record.checkpoint.model_copy(update={"preprocessing": inputs})
    told = summary(record.model_copy(update={"checkpoint": given}))
    assert any(line.startswith("Given the outline: ") for line in told)


def with_curve(attack: AttackRecord, shares: list[float]) -> AttackRecord:
    points = [
        CurvePoint(
            epsilon=level / 255,
            reached=rate(share),
            reached_quantised=rate(share),
            flips=rate(share),
            flips_quantised=rate(share),
            robust_accuracy=None,
        )
        for level, share in zip((0.5, 1.0, 2.0), shares, strict=True)
    ]
    return attack.model_copy(update={"curve": points})


def test_summary_names_every_attack_and_every_finding(record: AuditRecord) -> None:
    text = "\n".join(summary(record))
    for attack in record.attacks:
        assert f"  {attack.id}" in text
    assert "within 25.5 grey levels" in text
    assert "passes nothing and fails nothing" in text
    for start in (
        "Silent shift: in ",
        "Leak: none",
        "Left out: 1 file: the file is truncated (1)",
        "Warning: ",
    ):
        assert start in text
    assert text.isprintable() or all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.0, 0.25, 0.75], "the first decisions flip at 1 grey level (25.0 %"),
        ([0.1, 0.25, 0.75], "already at the smallest radius tried, 0.5 grey levels"),
        ([0.0, 0.6, 0.75], "at 1 grey level (60.0 % (0.0 to 100.0)), and that is half of them or more"),
        ([0.0, 0.1, 0.2], "fewer than half have flipped at any radius tried"),
        ([0.0, 0.0, 0.0], "no decision flips up to 2 grey levels"),
    ],
)
def test_where_the_curve_begins(record: AuditRecord, shares: list[float], expected: str) -> None:
    text = words.begins(with_curve(record.attacks[0], shares)).replace("\u00a0", " ")
    assert expected in text


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (
            [0.0, 0.25, 0.75],
            "(to wander) is first reached by 25.0 % (0.0 to 100.0) at 1 grey level; by half of the",
        ),
        (
            [0.1, 0.25, 0.75],
            "(to wander) is reached by 10.0 % (0.0 to 100.0) at 0.5 grey levels; by half of the images at 2 grey "
            "levels; an image that fulfils it when clean counts",
        ),
        ([0.0, 0.6, 0.75], "60.0 % (0.0 to 100.0) at 1 grey level, and that is half of them or more"),
        (
            [0.0, 0.1, 0.2],
            "at 1 grey level, and by 20.0 % (0.0 to 100.0) at 2 grey levels; at no radius tried by half",
        ),
        ([0.0, 0.0, 0.0], "reached by none up to 2 grey levels"),
    ],
)
def test_where_the_curve_of_another_goal_begins(
    record: AuditRecord, shares: list[float], expected: str
) -> None:
    goal = {"criterion": "to wander", "criterion_name": "shift-map"}
    attack = with_curve(record.attacks[0], shares).model_copy(update=goal)
    assert expected in words.begins(attack).replace("\u00a0", " ")


def test_a_goal_has_a_curve_where_flips_are_not_assessable(record: AuditRecord) -> None:
    change = {"assessable": False, "why_not": "it never decides"}
    flip = with_curve(record.attacks[0], [0.0, 0.1, 0.6]).model_copy(update=change)
    goal = flip.model_copy(update={"criterion": "to wander", "criterion_name": "lower-dice"})
    assert "Where it begins:" not in summary(record.model_copy(update={"attacks": [flip]}))
    lines = summary(record.model_copy(update={"attacks": [flip, goal]}))
    (begun,) = lines[lines.index("Where it begins:") + 1 :][:1]
    assert "(to wander) is first reached by 10.0" in begun


def test_strongest_is_the_highest_rate_and_then_the_smallest_radius(record: AuditRecord) -> None:
    fgsm, pgd = (
        attack.model_copy(update={"flips": rate(share)})
        for attack, share in zip(record.attacks[:2], (0.9, 0.9), strict=True)
    )
    chosen = words.strongest([fgsm, pgd])
    assert chosen is not None
    assert chosen.id == "pgd"
    assert words.strongest([fgsm.model_copy(update={"assessable": False})]) is None


def test_a_constant_model_is_not_assessable(record: AuditRecord) -> None:
    attack = record.attacks[0].model_copy(update={"assessable": False, "why_not": "it never decides"})
    changed = record.model_copy(update={"attacks": [attack]})
    text = "\n".join(summary(changed))
    assert "not assessable, because it never decides" in text
    assert "decisions flipped" not in text


def test_without_labels_directions_follow_decisions(record: AuditRecord) -> None:
    attack = record.attacks[0].model_copy(update={"missed_cancers": None, "false_alarms": None})
    assert words.direction(attack, "malignant").startswith("away from malignant")
    assert words.directions("cyst") == ("missed cyst", "false cyst")


def test_a_leak_is_loud(record: AuditRecord) -> None:
    leak = record.leak.model_copy(update={"exact": ["BUSI/a.png"], "near": []})
    assert any(
        line.startswith("LEAK: 1 audited image") for line in summary(record.model_copy(update={"leak": leak}))
    )


def test_terminal_gets_no_control_characters(record: AuditRecord) -> None:
    nasty = record.model_copy(update={"warnings": ["\x1b[2Jgone\r\n"]})
    assert "\\u{1b}[2Jgone\\u{d}\\u{a}" in summary(nasty)[-1]


def test_attacks_of_one_name_are_told_apart_by_what_differs(record: AuditRecord) -> None:
    def made(
        name: str, epsilon: float, criterion: str = "leave the clean decision", **own: object
    ) -> AttackRecord:
        parameters = {"epsilon": epsilon, "steps": 8, "alpha": None} | own
        changes = {"id": name, "name": "pgd", "norm": "linf", "epsilon": epsilon, "parameters": parameters}
        return record.attacks[0].model_copy(update=changes | {"criterion": criterion})

    def told(*attacks: AttackRecord) -> list[str]:
        return [said.replace("\u00a0", " ") for said in words.told_apart(attacks)]

    first = made("pgd", 1 / 255)
    assert told(first, record.attacks[2]) == []
    assert told(first, made("pgd-2", 2 / 255, steps=9)) == [
        "pgd and pgd-2 are one attack with different parameters: pgd with radius 1 grey level, steps 8; pgd-2 with "
        "radius 2 grey levels, steps 9"
    ]
    assert told(first, made("pgd-2", 1 / 255, alpha=0.5 / 255), made("pgd-wander", 1 / 255, "wander")) == [
        "pgd, pgd-2 and pgd-wander are one attack with different parameters: pgd with step size by default, the aim to "
        "leave the clean decision; pgd-2 with step size 0.5 grey levels, the aim to leave the clean decision; "
        "pgd-wander with step size by default, the aim to wander"
    ]
    assert told(first, made("pgd-2", 1 / 255)) == ["pgd and pgd-2 are one attack with the same parameters"]
    (near,) = told(first, made("pgd-2", 1 / 255 + 1e-9))
    assert near == "pgd and pgd-2 are one attack with parameters that differ by less than is printed here"
    assert f"Attacks: {words.told_apart([first, first])[0]}" in summary(
        record.model_copy(update={"attacks": [first, first]})
    )
