"""One dataset of a benchmark, as it is read and split."""

from dataclasses import replace
from pathlib import Path

from xaiaudit.benchmarking import read_plan
from xaiaudit.benchmarking.images import Images
from xaiaudit.data import open_dataset
from xaiaudit.reports import benchmark_words as words


def test_images_of_cases_with_two_labels_are_counted_as_never_tested(phantoms: Path, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(f'data = ["{phantoms}"]\nfolds = 2\n[[model]]\narch = "small-cnn"\n')
    plan, listed = read_plan(tmp_path / "b.toml"), open_dataset(phantoms)
    benign, malignant = (
        next(k for k, entry in enumerate(listed.entries) if entry.label == label)
        for label in ("benign", "malignant")
    )
    entries = list(listed.entries)
    entries[benign] = replace(entries[benign], case=entries[malignant].case)
    both = {entry.file for entry in entries if entry.case == entries[malignant].case}
    images = Images(plan.data[0], replace(listed, entries=tuple(entries)), plan)
    record = images.record()
    assert record.never_tested == len(both) >= 2
    tested = [place for split in images.splits[0] for place in split.test]
    assert len(tested) == len(set(tested)) == record.images - record.never_tested
    assert f"; {len(tested)} images are tested, the others are of cases with two labels" in words.dataset(
        record
    )
    plain = Images(plan.data[0], listed, plan).record()
    assert plain.never_tested == 0
    assert "tested" not in words.dataset(plain)
