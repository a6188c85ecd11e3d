"""report.html as a reader meets it: in a real headless Chromium that answers no request but the file's own."""

import json
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import example_audit
import example_detector
import many_images
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pace import pace
from PIL import Image

from xaiaudit.metrics.grids import upsample
from xaiaudit.reports import write_html
from xaiaudit.reports.figures.panels import magnified, sequential, signed

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&amp;\u202egnp.png"  # \\u202e turns what follows round
SEEN = HOSTILE.replace("\u202e", "\\u{202e}")
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("browser tests: no Chromium here; apt-get install chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=found)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Any, page: Path) -> Iterator[Open]:
    """Opens a report. At the end no script may have complained and no request but for the file may have been made."""
    contexts, faults = [], []

    def show(path: Path = page, **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | options))
        contexts.append(context)
        shown, url = context.new_page(), path.as_uri()
        shown.set_default_timeout(10_000)
        shown.on("console", lambda message: faults.append(message.text))
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("dialog", lambda dialog: faults.append(dialog.message))
        shown.on("request", lambda asked: asked.url.startswith(("data:", url)) or faults.append(asked.url))
        shown.goto(url)
        shown.wait_for_selector("html[data-ready]")
        return shown

    yield show
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="module")
def thousand(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an audit of 1,008 images."""
    where = tmp_path_factory.mktemp("thousand")
    return write_html(many_images.multiply(folder, where / "audit", 42), out=where / "report.html")


def column(shown: Any, name: str) -> list[str]:
    """What the rows of the table's page say in one column."""
    place = shown.evaluate(
        "id => [...element('titles').children].findIndex(th => th.dataset.id === id)", name
    )
    return shown.evaluate("k => [...element('rows').rows].map(row => row.cells[k].innerText.trim())", place)


def sort_by(shown: Any, name: str) -> None:
    shown.locator(f"#titles [data-id={name}] button").click()


def look_at(shown: Any, image: str, attack: str = "fgsm", explainer: str = "cam") -> None:
    """Opens the viewer on an image."""
    shown.locator("#attack").select_option(label=attack)
    shown.locator("#explainer").select_option(label=explainer)
    shown.locator("#rows button", has_text=image).first.click()
    shown.wait_for_function("title => element('viewer-title').textContent === title", arg=image)
    shown.wait_for_function("element('picture').hidden || element('picture-after').width > 300")


def pixels(shown: Any, canvas: str) -> np.ndarray:
    """(h, w, 3) as they are on the canvas."""
    url = shown.evaluate("id => element(id).toDataURL()", canvas)
    return np.asarray(Image.open(BytesIO(b64decode(url.partition(",")[2]))).convert("RGB"))


def rows_of(folder: Path, table: str, **wanted: Any) -> dict[str, dict[str, Any]]:
    """Rows of a table by image."""
    rows = pq.read_table(folder / f"{table}.parquet")
    for name, value in wanted.items():
        rows = rows.filter(pc.field(name) == value)
    return {row["image"]: row for row in rows.to_pylist()}


def gallery(folder: Path, attack: str) -> dict[str, Any]:
    cases = json.loads((folder / "audit.json").read_text())["gallery"]
    return next(case for case in cases if case["attack_id"] == attack)


def test_it_opens_with_every_image_and_nothing_moves(opened: Open, folder: Path) -> None:
    shown = opened()
    assert shown.title() == "Audit of model.pt"
    assert column(shown, "image") == sorted(rows_of(folder, "predictions"), key=natural)
    moved = """new Promise(done => new PerformanceObserver(list => done(list.getEntries().map(e => e.value)))
        .observe({ type: 'layout-shift', buffered: true }) || setTimeout(() => done([]), 100))"""
    assert sum(shown.evaluate(moved)) < 0.001


def natural(name: str) -> tuple[str, int]:
    return name.split("(")[0].lower(), int(name.split("(")[1].split(")")[0])


def test_a_column_sorts_both_ways_and_what_is_undefined_comes_last(opened: Open, folder: Path) -> None:
    shown = opened()
    shown.locator("#attack").select_option(label="pgd")
    for direction, sign in (("ascending", 1), ("descending", -1)):
        sort_by(shown, "radius")
        assert shown.locator("#titles [data-id=radius]").get_attribute("aria-sort") == direction
        assert shown.locator("[aria-sort]").count() == 1
        cells = column(shown, "radius")
        values = [float(cell) for cell in cells if cell != "—"]
        assert "—" in cells
        assert values == sorted(values, key=lambda value: sign * value)
        assert cells[len(values) :] == ["—"] * (len(cells) - len(values))
    tried = pq.read_table(folder / "predictions.parquet").filter(
        (pc.field("attack_id") == "pgd") & pc.field("curve") & pc.field("reached") & ~pc.field("quantised")
    )
    least = {row["image"]: row["epsilon_min"] for row in
             tried.group_by("image").aggregate([("epsilon", "min")]).to_pylist()}  # fmt: skip
    found = dict(zip(column(shown, "image"), column(shown, "radius"), strict=True))
    assert {image for image, cell in found.items() if cell != "—"} == set(least)
    assert all(float(found[image]) == pytest.approx(255 * value, rel=0.01) for image, value in least.items())


def test_a_row_says_what_the_tables_of_the_audit_say(opened: Open, folder: Path) -> None:
    shown = opened()
    for attack in ("fgsm", "deepfool"):
        compare_rows(shown, folder, attack)


def compare_rows(shown: Any, folder: Path, attack: str) -> None:
    shown.locator("#attack").select_option(label=attack)
    shown.locator("#explainer").select_option(label="grad-cam")
    after = rows_of(folder, "predictions", attack_id=attack, curve=False, quantised=False)
    rounded = rows_of(folder, "predictions", attack_id=attack, curve=False, quantised=True)
    maps = rows_of(folder, "maps", attack_id=attack, explainer_id="grad-cam", target="same")
    read = {name: column(shown, name) for name in
            ("image", "label", "decision", "flipped", "rounded", "after", "linf", "silent", "spearman")}  # fmt: skip
    for k, image in enumerate(read["image"]):
        row, cells = after[image], {name: cells[k] for name, cells in read.items()}
        assert (cells["label"], cells["decision"]) == (row["label"], row["decision_clean"])
        for cell, own in ((cells["flipped"], row), (cells["rounded"], rounded[image])):
            assert cell == (f"→ {own['decision']}" if own["flipped"] else "stands")
        assert float(cells["after"].strip("<> ")) == pytest.approx(
            1 / (1 + np.exp(-row["margin"])), abs=0.0011
        )
        assert float(cells["linf"]) == pytest.approx(255 * row["linf"], rel=0.006)
        silent = {True: "yes", False: "no", None: "—"}[maps[image]["silent_shift"]]
        assert cells["silent"] == silent + (", vanished" if maps[image]["vanished"] else "")
        rho = maps[image]["spearman"]
        assert cells["spearman"] == "—" if rho is None else float(
            cells["spearman"].replace("−", "-")) == pytest.approx(rho, abs=0.0051)  # fmt: skip


def test_filters_leave_the_images_they_name(opened: Open, folder: Path) -> None:
    shown = opened()
    after = rows_of(folder, "predictions", attack_id="fgsm", curve=False, quantised=False)
    maps = rows_of(folder, "maps", attack_id="fgsm", explainer_id="cam", target="same")
    pictured = {case["image"] for case in json.loads((folder / "audit.json").read_text())["gallery"]}
    wanted: dict[tuple[str, str], Callable[[str], bool]] = {
        ("label", "=malignant"): lambda i: after[i]["label"] == "malignant",
        ("decision", "wrong"): lambda i: after[i]["label"] != after[i]["decision_clean"],
        ("flipped", "yes"): lambda i: after[i]["flipped"],
        ("flipped", "no"): lambda i: not after[i]["flipped"],
        ("silent", "true"): lambda i: maps[i]["silent_shift"] is True,
        ("pictures", "yes"): lambda i: i in pictured,
    }
    shown.locator("#explainer").select_option(label="cam")
    for (name, value), test in wanted.items():
        shown.locator(f"#filter-{name}").select_option(value)
        left = {image for image in after if test(image)}
        assert 0 < len(left) < len(after), name
        assert set(column(shown, "image")) == left
        assert shown.locator("#count").inner_text() == f"{len(left)} of {len(after)} images"
        shown.get_by_role("button", name="Clear filters").click()
        shown.wait_for_function("n => element('rows').rows.length === n", arg=len(after))
    shown.locator("#text").fill("MALIGNANT 3)")
    assert set(column(shown, "image")) == {i for i in after if "malignant" in i and "3)" in i}
    shown.locator("#text").fill("no such image")
    assert shown.locator("#rows tr").count() == 0


def test_the_slider_parts_the_clean_picture_from_the_adversarial(opened: Open, folder: Path) -> None:
    shown, case = opened(), gallery(folder, "fgsm")
    look_at(shown, case["image"])
    shown.locator("#outline").uncheck()
    shown.wait_for_function("element('picture-after').width > 300")
    for canvas, file in (("picture-before", "clean"), ("picture-after", "adversarial")):
        stored = np.asarray(Image.open(folder / case["files"][file]).convert("L"))
        drawn = pixels(shown, canvas)
        factor = drawn.shape[0] // stored.shape[0]
        assert (drawn[factor // 2 :: factor, factor // 2 :: factor, 0] == stored).all()
    slider = shown.locator("#picture input")
    slider.focus()
    before = shown.locator("#picture-after").evaluate("c => getComputedStyle(c).clipPath")
    for _ in range(10):
        slider.press("ArrowRight")
    assert slider.input_value() == "60"
    assert slider.get_attribute("aria-valuetext") == "60 % clean, from the left"
    after = shown.locator("#picture-after").evaluate("c => getComputedStyle(c).clipPath")
    assert (before, after) == ("inset(0px 0px 0px 50%)", "inset(0px 0px 0px 60%)")
    box = slider.bounding_box()
    shown.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + 50)
    assert abs(int(slider.input_value()) - 20) <= 2


def test_maps_are_drawn_as_the_pdf_draws_them(opened: Open, folder: Path) -> None:
    shown, case = opened(), gallery(folder, "fgsm")
    look_at(shown, case["image"])
    for explainer, is_signed in example_audit.EXPLAINERS.items():
        shown.locator("#viewer-explainer").select_option(label=explainer)
        compare_map(shown, folder, case["image"], explainer, is_signed)


def compare_map(shown: Any, folder: Path, image: str, explainer: str, is_signed: bool) -> None:
    """The clean map on the canvas against the PDF's own way of upsampling and colouring."""
    row = rows_of(folder, "maps", attack_id="none", explainer_id=explainer)[image]
    values = np.array(row["map"], float).reshape(1, row["grid_rows"], row["grid_columns"])
    drawn = pixels(shown, "map-before")
    fine = upsample(values, drawn.shape[:2])[0]
    most = np.abs(values).max() if is_signed else values.max()
    share, colours = (0.5 + fine / most / 2, signed()) if is_signed else (fine / most, sequential())
    expected = colours(share.clip(0, 1), bytes=True)[..., :3].astype(int)
    off = np.abs(drawn.astype(int) - expected).max(axis=2)
    assert (off > 6).mean() < 0.12  # but for the lines and the cross
    assert np.median(off) <= 2


def test_palettes_explainers_and_attacks_change_what_is_seen(opened: Open, folder: Path) -> None:
    shown, case = opened(), gallery(folder, "fgsm")
    look_at(shown, case["image"])
    assert shown.locator("#palette option").all_inner_texts()[0].startswith("Blue to yellow")
    shown.locator("#palette").select_option(label="Grey")
    grey = pixels(shown, "map-before").astype(int)
    assert (np.ptp(grey, axis=2) == 0).all()
    shown.locator("#viewer-explainer").select_option(label="grad-cam")
    assert [name.split(",")[0] for name in shown.locator("#palette option").all_inner_texts()] == [
        "Cividis", "Viridis", "Grey",
    ]  # fmt: skip
    assert shown.locator("#map-title").inner_text() == "Map by grad-cam"
    assert np.ptp(pixels(shown, "map-before").astype(int), axis=2).max() > 60
    shown.locator("#viewer-attack").select_option(label="pgd")
    assert "Under pgd" in shown.locator("#said").inner_text()
    assert shown.locator("#attack").input_value() == shown.locator("#viewer-attack").input_value()


def test_the_perturbation_is_magnified_by_what_is_said(opened: Open, folder: Path) -> None:
    shown, case = opened(), gallery(folder, "pgd")
    look_at(shown, case["image"], attack="pgd")
    clean = np.asarray(Image.open(folder / case["files"]["clean"]).convert("L"))
    share, magnification, reach = magnified(clean, np.load(folder / case["files"]["adversarial_float"]))
    assert shown.locator("#perturbation-title").inner_text() == f"Perturbation × {magnification}"
    assert f"+{reach:.3g} grey levels" in shown.locator("#perturbation-ends").inner_text()
    drawn = pixels(shown, "perturbation-canvas")
    factor = drawn.shape[0] // clean.shape[0]
    expected = signed()(share, bytes=True)[..., :3].astype(int)
    assert np.abs(drawn[factor // 2 :: factor, factor // 2 :: factor] - expected).max() <= 4


def test_an_image_without_pictures_says_so_and_shows_its_map(opened: Open, folder: Path) -> None:
    shown = opened()
    pictured = {case["image"] for case in json.loads((folder / "audit.json").read_text())["gallery"]}
    look_at(shown, next(image for image in column(shown, "image") if image not in pictured))
    assert shown.locator("#no-picture").is_visible()
    assert not shown.locator("#picture").is_visible()
    assert not shown.locator("#perturbation").is_visible()
    assert "follow the cells" in shown.locator("#map-note").inner_text()
    with_lines = pixels(shown, "map-before")
    shown.locator("#outline").uncheck()
    assert (with_lines != pixels(shown, "map-before")).any(axis=2).mean() > 0.005


def test_the_keyboard_reaches_every_image(opened: Open, thousand: Path) -> None:
    shown = opened(thousand)
    where = "document.activeElement.closest('tr')?.rowIndex + ' ' + element('page').textContent"
    shown.locator("#scroll").focus()
    while shown.evaluate("!document.activeElement.closest('#rows')"):
        shown.keyboard.press("Tab")
    for key, row, page in (("ArrowDown", 3, "1 to 50"), ("PageDown", 3, "51 to 100"), ("End", 9, "1001 to 1008"),
                           ("ArrowUp", 8, "1001 to 1008"), ("Home", 2, "1 to 50")):  # fmt: skip
        shown.keyboard.press(key)
        assert shown.evaluate(where) == f"{row} {page} of 1008"
    assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.keyboard.press("Enter")
    assert shown.locator("#viewer").is_visible()
    shown.locator("#next").press("Enter")
    shown.locator("#next").press("Enter")
    assert shown.locator("#place").inner_text() == "3 of 1008"
    shown.keyboard.press("Escape")
    assert not shown.locator("#viewer").is_visible()
    assert shown.evaluate(where) == "4 1 to 50 of 1008"


def test_a_thousand_images_are_sorted_and_filtered_at_once_and_all_go_on_paper(
    opened: Open, thousand: Path
) -> None:
    shown = opened(thousand)
    paper(shown)
    measure = """piece => { const run = new Function(piece), times = [];
        for (let k = 0; k < 8; k += 1) {
          const start = performance.now(); run(); element('rows').getBoundingClientRect();
          times.push(performance.now() - start);
        }
        return Math.min(...times) / 1000 }"""
    pieces = {
        "sort by words": "document.querySelector('[data-id=image] button').click()",
        "sort by numbers": "document.querySelector('[data-id=spearman] button').click()",
        "filter": "const e = element('text'); e.value = e.value ? '' : 'malignant'; "
        "e.dispatchEvent(new Event('input', { bubbles: true }))",
        "look": "element('viewer').open || openViewer(0); look((looked + 1) % 500)",
    }
    taken = {name: shown.evaluate(measure, piece) for name, piece in pieces.items()}
    assert max(taken.values()) < 40 * pace(), taken  # 2 to 8 measured; drawing all rows takes over 100
    assert thousand.stat().st_size < 15e6


def paper(shown: Any) -> None:
    """What is printed: every image that passes the filters, and every section."""
    shown.locator("#filter-label").select_option("=malignant")
    passing = int(shown.locator("#count").inner_text().split(" ")[0])
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert passing > 100
    assert shown.locator("#rows tr").count() == passing
    assert shown.locator("details:not([open])").count() == 0
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.locator("#rows tr").count() == 50
    assert shown.locator("details[open]").count() == 0
    shown.locator("#filter-label").select_option("")


def test_words_stand_out_in_light_and_dark(opened: Open) -> None:
    shown = opened()
    for scheme, other in (("light", "dark"), ("dark", "light")):
        shown.emulate_media(color_scheme=scheme)
        shown.locator("#theme").select_option("system")
        assert contrasting(shown) == scheme
        shown.locator("#theme").select_option(other)
        assert contrasting(shown) == other


def contrasting(shown: Any) -> str:
    """Light or dark, once every ink has been held against every ground."""
    read = "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()"

    def luminance(name: str) -> float:
        colour = shown.evaluate(read, name)
        parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for ground in ("paper", "ground", "hover"):
        for ink in ("ink", "muted", "accent", "alarm"):
            light, dark = sorted((luminance(ground), luminance(ink)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)  # WCAG 2.2, 1.4.3
    for ground in ("paper", "ground"):
        light, dark = sorted((luminance(ground), luminance("edge")), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, ground  # the same, 1.4.11: edges of controls
    seen, muted = (shown.evaluate(f"getComputedStyle(element('{name}'){pseudo}).color")
                   for name, pseudo in (("text", ", '::placeholder'"), ("keys", "")))  # fmt: skip
    assert seen == muted
    return "dark" if luminance("paper") < 0.1 else "light"


def test_a_narrow_window_needs_no_sideways_scrolling(opened: Open, folder: Path) -> None:
    shown = opened(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    look_at(shown, gallery(folder, "fgsm")["image"])
    assert shown.evaluate("element('viewer').scrollWidth <= innerWidth")
    assert shown.evaluate("getComputedStyle(element('close')).transitionDuration") == "0s"


def test_an_attack_that_failed_and_a_map_that_is_undefined_are_said_to_be(
    opened: Open, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "audit"
    shutil.copytree(folder, target)
    first = gallery(folder, "fgsm")["image"]
    under_fgsm = {"image": first, "attack_id": "fgsm"}
    change_rows(target / "predictions.parquet", under_fgsm, failed=True, flipped=False)
    change_rows(target / "maps.parquet", under_fgsm, defined=False, peak_state="undefined")
    shown = opened(write_html(target))
    shown.locator("#filter-flipped").select_option("failed")
    assert column(shown, "image") == [first]
    assert column(shown, "flipped") == column(shown, "rounded") == ["stands, attack failed"]
    look_at(shown, first, explainer="grad-cam")
    assert "the attack failed" in shown.locator("#said").inner_text()
    assert "adversarial undefined" in shown.locator("#map-note").inner_text()
    assert shown.locator("#map-after").get_attribute("aria-label").endswith("adversarial image: undefined")
    hatch = [(pixels(shown, "map-after") == grey).all(axis=2).mean() for grey in (0xE8, 0x9A)]
    assert sum(hatch) > 0.8  # and no colour of a palette, of which the lowest would read as 0


def change_rows(path: Path, wanted: dict[str, str], **values: Any) -> None:
    """Columns of a table in the rows that are `wanted`."""
    rows = pq.read_table(path)
    here = np.logical_and.reduce(
        [np.array(rows[name].to_pylist()) == value for name, value in wanted.items()]
    )
    assert here.any()
    for name, value in values.items():
        new = pc.if_else(pa.array(here), value, rows[name])
        rows = rows.set_column(rows.column_names.index(name), rows.field(name), new)
    pq.write_table(rows, path)


def test_the_keyboard_is_never_lost(opened: Open, thousand: Path) -> None:
    shown = opened(thousand)
    focused = "document.activeElement"
    shown.locator("#rows button").first.focus()
    gaps = shown.evaluate("""() => {
        goTo(45);
        return [...Array(30)].map(() => {
          goTo(current - 1);
          const [row, head] = [document.activeElement, element('titles')].map(e => e.getBoundingClientRect());
          return row.top - head.bottom;
        }) }""")
    assert min(gaps) >= 0  # not under the head, which stays where it is
    shown.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    shown.keyboard.press("Home")
    shown.keyboard.press("Enter")  # opens, whatever words are selected
    assert shown.evaluate(f"{focused}.id") == "next"  # there is no image before the first
    shown.keyboard.press("Enter")
    shown.locator("#previous").press("Enter")
    assert shown.evaluate(f"{focused}.id") == "next"
    shown.keyboard.press("Escape")
    shown.evaluate("turn(19)")
    shown.locator("#page-after").press("Enter")
    assert shown.evaluate(f"{focused}.id") == "page-before"


def test_titles_that_repeat_are_told_apart(opened: Open) -> None:
    names = opened().evaluate("[...document.querySelectorAll('#titles button')].map(b => b.ariaLabel)")
    assert "Decision, Clean" in names
    assert "Decision, Under fgsm" in names
    assert len(set(names)) == len(names)


def test_every_control_has_a_name(opened: Open, folder: Path) -> None:
    shown = opened()
    look_at(shown, gallery(folder, "fgsm")["image"])
    unnamed = """[...document.querySelectorAll('button, select, input, [role=region], canvas[role=img], dialog, nav')]
        .filter(e => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()
          || document.getElementById(e.getAttribute('aria-labelledby'))?.textContent)).map(e => e.outerHTML)"""
    assert shown.evaluate(unnamed) == []


def test_foreign_words_stay_words(opened: Open, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "audit"
    shutil.copytree(folder, target)
    first = json.loads((folder / "audit.json").read_text())["gallery"][0]["image"]
    plain = json.dumps(first)
    text = (target / "audit.json").read_text().replace(plain, json.dumps(HOSTILE))
    (target / "audit.json").write_text(text.replace('"model.pt"', json.dumps(HOSTILE)))
    for name in ("predictions", "maps"):
        rows = pq.read_table(target / f"{name}.parquet")
        renamed = pc.if_else(pc.equal(rows["image"], first), HOSTILE, rows["image"])
        pq.write_table(
            rows.set_column(rows.column_names.index("image"), rows.field("image"), renamed),
            target / f"{name}.parquet",
        )
    shown = opened(write_html(target))
    look_at(shown, SEEN)
    assert shown.locator("h1").inner_text() == f"Audit of {Path(SEEN).name}"
    assert "\u202e" not in shown.locator("body").inner_text()
    assert shown.locator("img[src=x]").count() == 0


def test_boxes_of_a_detector_come_and_go_by_a_key(opened: Open, tmp_path: Path) -> None:
    audit = example_detector.build(tmp_path / "audit")
    shown = opened(write_html(audit, out=tmp_path / "report.html"))
    assert {"1 of 1", "0 of 1", "no lesion", "—"} == set(column(shown, "found"))
    assert {"0 of 1", "no lesion", "—"} == set(column(shown, "foundAfter"))
    look_at(shown, gallery(audit, "fgsm")["image"])
    with_boxes, words = pixels(shown, "picture-after"), shown.locator("#picture-note")
    assert "orange dots: the attacked image (1)" in words.inner_text()
    shown.keyboard.press("b")
    shown.wait_for_function("!element('picture-note').textContent.includes('Boxes')")
    assert (pixels(shown, "picture-after") != with_boxes).any()
    shown.keyboard.press("b")
    shown.wait_for_function("element('picture-note').textContent.includes('Boxes')")
    assert (pixels(shown, "picture-after") == with_boxes).all()


def test_other_models_have_no_boxes_to_show(opened: Open, folder: Path) -> None:
    shown = opened()
    look_at(shown, gallery(folder, "fgsm")["image"])
    assert not shown.locator("#boxes").is_visible()
