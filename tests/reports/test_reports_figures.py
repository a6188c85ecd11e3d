"""Pictures of a report: what they draw is where it should be, and they stay the same."""

import re
from pathlib import Path

import numpy as np
import pytest

from xaiaudit.records import REGIONS, CleanRecord, Interval, RocPoint
from xaiaudit.reports.figures import panels
from xaiaudit.reports.figures.abstention import draw_abstention
from xaiaudit.reports.figures.curve import draw_curves, draw_smallest
from xaiaudit.reports.figures.pointing import draw_pointing
from xaiaudit.reports.figures.roc import draw_roc
from xaiaudit.reports.figures.style import chart, legend_columns, looks
from xaiaudit.reports.reading import read_record

LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colours", [panels.sequential(), panels.signed()])
def test_colour_maps_keep_their_order_in_grey_print(colours: object) -> None:
    grey = colours(np.linspace(0, 1, 64))[:, :3] @ LUMA  # type: ignore[operator]
    assert (np.diff(grey) > 0).all()


def test_attacks_differ_by_marker_and_dash_alone() -> None:
    six = looks(6)
    assert len({look.marker for look in six}) == len({str(look.dash) for look in six}) == 6


def test_map_panel_crosses_the_largest_cell_and_outlines_the_lesion() -> None:
    codes = np.full((112, 112), REGIONS.index("elsewhere"), np.uint8)
    codes[30:60, 40:80] = REGIONS.index("lesion")
    saliency = np.zeros((7, 7))
    saliency[6, 1] = 3.0
    rgb, low, high = panels.map_panel(saliency, codes, signed_map=False, peak=6 * 7 + 1)
    assert (low, high) == (0.0, 3.0)
    row, column = int(6.5 / 7 * rgb.shape[0]), int(1.5 / 7 * rgb.shape[1])
    assert (rgb[row, column] == 255).all()
    factor = rgb.shape[0] // 112
    assert (rgb[30 * factor, 60 * factor] == 255).all()  # the lesion's upper edge
    assert (rgb[29 * factor - 1, 60 * factor] != 255).any()


def test_signed_map_has_a_scale_about_zero_and_an_undefined_one_no_cross() -> None:
    codes = np.full((28, 28), REGIONS.index("elsewhere"), np.uint8)
    saliency = np.array([[-4.0, 1.0], [0.0, 2.0]])
    assert panels.map_panel(saliency, codes, signed_map=True, peak=3)[1:] == (-4.0, 4.0)
    flat, low, high = panels.map_panel(np.zeros((2, 2)), codes, signed_map=False, peak=None)
    assert (low, high) == (0.0, 0.0)
    assert (flat == flat[0, 0]).all()


@pytest.mark.parametrize(
    ("grey", "magnification"), [(25.5, 2), (2.5, 50), (1.0, 100), (127.5, 1), (200.0, 1)]
)
def test_perturbation_is_magnified_as_far_as_it_fits(grey: float, magnification: int) -> None:
    clean = np.full((8, 8), 20, np.uint8)
    adversarial = np.full((8, 8), 20 / 255, np.float32)
    adversarial[:4] += grey / 255
    rgb, found, reach = panels.perturbation_panel(clean, adversarial)
    assert found == magnification
    assert reach == pytest.approx(127.5 / magnification)
    rest = rgb[-1, -1].astype(int)
    assert np.ptp(rest) < 6  # no change is grey
    assert 120 < rest.mean() < 190
    assert rgb[0, 0] @ LUMA > rest @ LUMA


def test_scale_bar_is_ten_millimetres_long() -> None:
    rgb = panels.grey_panel(np.zeros((112, 112), np.uint8), (0.4, 0.5))
    factor = rgb.shape[0] // 112
    assert (rgb == 255).all(2).any(0).sum() == 20 * factor  # 20 pixels of 0.5 mm
    assert not panels.grey_panel(np.zeros((112, 112), np.uint8)).any()


def test_the_operating_point_is_that_of_the_decisions(tmp_path: Path) -> None:
    # three classes: the largest logit decides, which is no point of the curve
    points = [(0.0, 0.0, 9.0), (0.0, 0.5, 2.0), (0.25, 0.75, 0.0), (0.5, 1.0, -1.0), (1.0, 1.0, -2.0)]
    roc = [RocPoint(false_positive_rate=x, true_positive_rate=y, margin=m) for x, y, m in points]
    shares = {
        name: Interval(estimate=value, low=None, high=None, n=4, cases=4, method="")
        for name, value in (("sensitivity", 0.75), ("specificity", 0.5))
    }
    empty = dict.fromkeys(("auc", "accuracy", "balanced_accuracy", "dice"), None)
    clean = CleanRecord(images=8, confusion=[], roc=roc, decision_shares={}, **empty, **shares)
    assert draw_roc(clean, tmp_path / "roc.svg") == (0.5, 0.75)


def test_charts_are_reproducible_and_never_read_mathematics(tmp_path: Path) -> None:
    drawn = []
    for name in ("a.svg", "b.svg"):
        with chart(tmp_path / name, 60, 40) as figure:
            axes = figure.subplots()
            axes.plot([0, 1], [0, 1], label="$\\frac{$ <b>&")
            axes.legend()
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1]
    assert b"$\\frac{$ &lt;b&gt;&amp;" in drawn[0]


def test_the_rule_looks_in_the_legend_as_it_does_in_the_panels(folder: Path, tmp_path: Path) -> None:
    audit = read_record(folder)
    records = [r for r in audit.abstention if r.explainer_id == audit.explainers[0].id]
    draw_abstention(records, tmp_path / "drawn.svg")
    drawn = (tmp_path / "drawn.svg").read_text()
    before, legend = drawn.split('id="legend_1"')
    (mark,) = set(re.findall(r'href="#(\w+)"', legend))
    assert len(re.findall(rf'<use xlink:href="#{mark}"', before)) == len(records)


def test_a_legend_has_as_many_columns_as_fit() -> None:
    assert legend_columns(["fgsm"], 170) == 1
    assert legend_columns(["fgsm", "pgd", "deepfool"], 170) == 3
    assert legend_columns(["a rather long name of an attack"] * 8, 170) in (2, 3)
    assert legend_columns(["x" * 300, "pgd"], 170) == 1  # nothing fits


def test_a_legend_of_many_attacks_stays_within_the_chart(folder: Path, tmp_path: Path) -> None:
    audit = read_record(folder)
    record = next(m for m in audit.maps if m.target == "same")
    maps = [record.model_copy(update={"attack_id": f"map-shift-{i}"}) for i in range(9)]
    draw_pointing(maps, tmp_path / "drawn.svg")
    drawn = (tmp_path / "drawn.svg").read_text()
    rows = re.findall(r">(before|after map-shift-\d)</text>", drawn)
    assert rows == [
        "before",
        *(f"after map-shift-{i}" for i in range(9)),
    ]  # a row each, beside the first panel alone
    smallest = tmp_path / "smallest.svg"
    changes = {f"map-shift-{i}": np.array([0.5, 1.0]) for i in range(9)}
    draw_smallest(changes, dict.fromkeys(changes, 4), smallest, usual=True)
    legend = smallest.read_text().split('id="legend_1"')[1]
    lefts = [float(x) for x in re.findall(r'text-anchor: start[^"]*" x="([\d.]+)"', legend)]
    assert len(lefts) == 9
    assert max(lefts) < 170 / 25.4 * 72 - 60  # points; the longest words take 60
    assert len(set(lefts)) < len(lefts)  # several lines


def test_the_radii_of_a_curve_are_plain_numbers_in_either_norm(folder: Path, tmp_path: Path) -> None:
    attack = next(a for a in read_record(folder).attacks if a.curve)
    for norm, scale, radii in (("linf", 1.0, ["0.1", "25.5"]), ("l2", 25.5, ["0.01", "2.55"])):
        points = [p.model_copy(update={"epsilon": p.epsilon * scale}) for p in attack.curve]
        draw_curves([attack.model_copy(update={"norm": norm, "curve": points})], tmp_path / "drawn.svg")
        drawn = (tmp_path / "drawn.svg").read_text()
        assert "mathdefault" not in drawn
        for radius in radii:
            assert f">{radius}</text>" in drawn
