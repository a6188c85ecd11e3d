"""The verdicts of the self-checks on facts made up by hand."""

from typing import Any

import pytest

from xaiaudit.auditing.self_checks.radii import compared, grey_levels, nearest_half, radii, words
from xaiaudit.auditing.self_checks.record import AttackFacts, Facts, ModelFacts
from xaiaudit.auditing.self_checks.tolerance import allowed
from xaiaudit.auditing.self_checks.verdicts import check_records
from xaiaudit.records import SelfCheckRecord

N = 40  # images; 2 of them may break an expectation
RISES, REACHES = "success rises with the radius", "success reaches 100 % at a large radius"
TWICE, SINGLE = "twice the steps do not find more", "many steps find as much as one"
NOISE, SQUARE = "gradients find more than noise", "gradients find as much as Square"


def first(count: int, of: int = N) -> list[bool]:
    return [place < count for place in range(of)]


def model(**changes: Any) -> ModelFacts:
    sound: dict[str, Any] = {
        "decisions": [0, 1] * (N // 2),
        "drift": [0.0] * N,
        "one_output": False,
        "lowest": -3.0,
        "highest": 4.0,
        "sums": (-1.0, 1.0),
        "gradients": ["usable"] * N,
    }
    return ModelFacts(**(sound | changes))


def attack(counts: tuple[int, ...] = (4, 20, 40), at: int | None = 1, **changes: Any) -> AttackFacts:
    sound: dict[str, Any] = {
        "ran": "pgd",
        "norm": "linf",
        "pixels": 100,
        "kind": "ball",
        "steps": 10,
        "radii": [level / 255 for level in (0.5, 1.0, 25.5)][-len(counts) :],
        "reached": [first(count) for count in counts],
        "at": at,
        "twice": first(20),
        "single": first(18),
        "noise": first(1),
        "noise_draws": 10,
        "square": first(2, of=16),
        "square_queries": 300,
    }
    return AttackFacts(**(sound | changes))


def judged(facts: AttackFacts, **changes: Any) -> dict[str, SelfCheckRecord]:
    found = check_records(Facts(model=model(**changes), attacks={"pgd": facts}))
    return {check.name: check for check in found if check.attack_id == "pgd"}


def of_model(**changes: Any) -> dict[str, SelfCheckRecord]:
    return {check.name: check for check in check_records(Facts(model=model(**changes), attacks={}))}


def test_sound_facts_pass_with_their_figures() -> None:
    found = judged(attack())
    assert [(name, check.status) for name, check in found.items()] == [
        (name, "passed") for name in (RISES, REACHES, TWICE, SINGLE, NOISE, SQUARE)
    ]
    assert found[TWICE].words == "at 1 grey level 20 of 40 images are reached by pgd, 20 by 20 steps"
    assert found[TWICE].figures == {
        "images": N,
        "radius": pytest.approx(1 / 255),
        "grey_levels": pytest.approx(1),
        "reached": 20,
        "reached_by_other": 20,
    }
    assert "16 of 16 images" in found[SQUARE].words
    assert "300 queries" in found[SQUARE].words


@pytest.mark.parametrize(
    ("changes", "name", "most_allowed", "least_failing"),
    [
        ("twice", TWICE, 22, 23),
        ("single", SINGLE, 22, 23),
        ("noise", NOISE, 19, 20),
    ],
)
def test_a_rival_fails_the_attack_beyond_the_tolerance(
    changes: str, name: str, most_allowed: int, least_failing: int
) -> None:
    assert judged(attack(**{changes: first(most_allowed)}))[name].status == "passed"
    check = judged(attack(**{changes: first(least_failing)}))[name]
    assert check.status == "failed"
    assert "lower bounds" in check.words


def test_one_image_at_the_boundary_that_noise_reaches_too_is_no_failure() -> None:
    # ten images, of which the radius nearest to one half reaches a single one
    facts = attack(
        (1, 10), at=0, reached=[first(1, 10), first(10, 10)], twice=first(1, 10), single=first(1, 10)
    )
    facts = facts.model_copy(update={"noise": first(1, 10), "square": first(1, 10)})
    found = judged(facts, decisions=[0, 1] * 5, drift=[0.0] * 10, gradients=["usable"] * 10)
    assert found[NOISE].status == "not assessable"
    facts = facts.model_copy(update={"noise": first(3, 10)})
    found = judged(facts, decisions=[0, 1] * 5, drift=[0.0] * 10, gradients=["usable"] * 10)
    assert found[NOISE].status == "failed"


def test_square_is_compared_on_its_own_images() -> None:
    weak = [first(4), [place >= 30 for place in range(N)], first(N)]  # reaches 10, of the first 16 none
    assert judged(attack(reached=weak, noise=first(0), square=first(1, of=16)))[SQUARE].status == "passed"
    check = judged(attack(reached=weak, noise=first(0), square=first(2, of=16)))[SQUARE]
    assert check.status == "failed"
    assert "0 of 16 images" in check.words


def test_success_may_not_fall_as_the_ball_grows() -> None:
    assert judged(attack((10, 8, 40)))[RISES].status == "passed"
    check = judged(attack((11, 8, 40)))[RISES]
    assert check.status == "failed"
    assert check.figures["largest_drop"] == 3
    assert "at 0.5 grey levels 11 of 40 images are reached, at 1 grey level only 8" in check.words
    assert judged(attack((40, 40, 40), None))[RISES].status == "not assessable"


def test_a_large_radius_reaches_all_but_a_few() -> None:
    assert judged(attack((4, 20, 38)))[REACHES].status == "passed"
    assert judged(attack((4, 20, 37)))[REACHES].status == "failed"
    assert judged(attack((4, 20, 37), reach=25.5 / 255))[REACHES].status == "not assessable"


def test_without_a_radius_between_5_and_95_percent_nothing_is_compared() -> None:
    found = judged(attack((1, 39, 40), None, twice=None, single=None, noise=None, square=None))
    assert {found[name].status for name in (TWICE, SINGLE, NOISE, SQUARE)} == {"not assessable"}
    assert "39 at 1 grey level" in found[TWICE].words


def test_where_even_a_large_radius_reaches_few_a_rival_that_finds_more_is_failure_enough() -> None:
    found = judged(attack((1,), 0, twice=first(2), noise=first(3), single=first(1), square=first(16, of=16)))
    assert found[REACHES].status == "failed"
    assert found[SQUARE].status == "failed"
    assert {found[name].status for name in (TWICE, SINGLE, NOISE)} == {"not assessable"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ball", [RISES, REACHES, TWICE, SINGLE, NOISE, SQUARE]),
        ("single", [NOISE, SQUARE]),
        ("fixed", [NOISE, SQUARE]),
        ("minimal", [REACHES, TWICE, NOISE, SQUARE]),
        ("none", []),
    ],
)
def test_each_kind_of_attack_has_the_checks_that_make_sense(kind: str, expected: list[str]) -> None:
    assert list(judged(attack(kind=kind))) == expected


def test_the_model_is_judged_by_its_own_facts() -> None:
    assert {check.status for check in of_model().values()} == {"passed"}
    for changes, name in (
        ({"drift": [0.0] * (N - 1) + [0.01]}, "outputs are repeatable"),
        ({"drift": [0.0] * (N - 1) + [None]}, "outputs are repeatable"),
        ({"lowest": 0.0, "highest": 1.0, "sums": (1.0, 1.0)}, "outputs are logits"),
        ({"lowest": 0.1, "highest": 0.9, "one_output": True}, "outputs are logits"),
        ({"lowest": -0.9, "highest": -0.1, "one_output": True}, "outputs are logits"),
        (
            {"gradients": ["usable"] * (N - 3) + ["zero", "zero", "not finite"]},
            "gradients are neither zero nor NaN",
        ),
        ({"decisions": [0] * (N - 1) + [1]}, "the model decides at all"),
    ):
        found = of_model(**changes)
        assert [check.name for check in found.values() if check.status == "failed"] == [name]
    assert of_model(lowest=0.0, highest=1.0, sums=(0.4, 1.0))["outputs are logits"].status == "passed"
    within = {"lowest": 0.1, "highest": 0.9, "one_output": True}
    for squashed, status in ((True, "failed"), (False, "not assessable"), (None, "failed")):
        assert of_model(**within, squashed=squashed)["outputs are logits"].status == status
    outside = {"lowest": -4.0, "highest": 3.0, "one_output": True}
    assert of_model(**outside, squashed=False)["outputs are logits"].status == "passed"
    assert of_model(lowest=None, highest=None, sums=None)["outputs are logits"].status == "not assessable"
    assert (
        of_model(gradients=["usable"] * (N - 2) + ["zero"] * 2)["gradients are neither zero nor NaN"].status
        == "passed"
    )


def test_nothing_is_said_of_attacks_where_the_model_says_nothing() -> None:
    for changes, why in (
        ({"drift": [1.0] * N}, "outputs are repeatable"),
        ({"decisions": [1] * N}, "the model decides at all"),
        ({"decisions": [0, 1], "drift": [0.0] * 2, "gradients": ["usable"] * 2}, "2 images are too few"),
    ):
        found = judged(attack(), **changes)
        assert {check.status for check in found.values()} == {"not assessable"}
        assert all(why in check.words for check in found.values())


def test_whether_the_model_decides_is_asked_of_all_images_that_are_known() -> None:
    facts = Facts(model=model(decisions=[0] * N), attacks={"pgd": attack()})
    found = check_records(facts, decisions=[0] * 90 + [1] * 10)
    assert {check.status for check in found} == {"passed"}


def test_radii_are_those_of_the_curve() -> None:
    assert [round(255 * radius, 6) for radius in radii("linf", 100, None)] == [
        0.1,
        0.25,
        0.5,
        1,
        2,
        4,
        8,
        25.5,
    ]
    assert radii("l2", 100, None)[3] == pytest.approx(10 / 255)  # one grey level in each of 100 pixels
    assert [round(255 * radius, 6) for radius in radii("linf", 100, 3 / 255)] == [0.1, 0.25, 0.5, 1, 2, 3]
    assert grey_levels(10 / 255, "l2", 100) == pytest.approx(1)
    assert words(10 / 255, "l2", 100) == "an L2 radius of 0.0392 (1 grey level in every pixel)"


def test_the_rate_nearest_to_one_half_is_compared_and_of_equals_the_last() -> None:
    assert nearest_half([0.0, 0.3, 0.6, 1.0]) == 2
    assert nearest_half([0.4, 0.6, 0.6]) == 2
    assert nearest_half([0.0, 0.04, 0.96]) is None
    assert compared([0.0, 0.04]) == 1
    assert compared([0.0, 0.96]) is None
    assert compared([]) is None


def test_the_tolerance_is_5_percent_and_one_image_in_any_case() -> None:
    assert [allowed(n) for n in (10, 32, 39, 40, 60)] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize(("images", "status"), [(1, "not assessable"), (9, "not assessable"), (10, "failed")])
def test_a_few_images_of_one_decision_do_not_prove_a_model_worthless(images: int, status: str) -> None:
    found = check_records(Facts(model=model(decisions=[0] * images), attacks={}), decisions=[0] * images)
    (check,) = (item for item in found if item.name == "the model decides at all")
    assert check.status == status
    assert ("worthless" in check.words) == (status == "failed")
