"""What was audited: checkpoint and how it was loaded, data and its independence, preprocessing and calibration."""

from collections.abc import Mapping

from xaiaudit.records import AuditRecord, CheckpointRecord, DatasetRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Facts, Section, Text
from xaiaudit.reports.reading import Audit

TITLE = "What was audited"


def audited(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = [
        Text(text="Checkpoint", style="subheading"),
        _checkpoint(record.checkpoint),
        Text(text="Data", style="subheading"),
        *(_dataset(dataset) for dataset in record.datasets),
        Text(text="Independence of training and audited images", style="subheading"),
        Facts(rows=_independence(record), mono=[]),
        Text(text="Preprocessing and calibration", style="subheading"),
        Facts(rows=_calibration(record), mono=[]),
    ]
    return Section(title=TITLE, blocks=blocks)


def _checkpoint(checkpoint: CheckpointRecord) -> Facts:
    arguments = ", ".join(f"{key} = {value}" for key, value in checkpoint.arguments.items())
    classes = f.listing([f.printable(name) for name in checkpoint.classes])
    outputs = "one logit, read as two" if checkpoint.one_logit else f"{len(checkpoint.classes)} logits"
    rows = [
        ("File", f.breakable(checkpoint.path)),
        ("SHA-256", f.breakable(checkpoint.sha256)),
        ("Loaded as", f"{f.printable(checkpoint.format)}; {f.printable(checkpoint.loaded)}"),
        (
            "Architecture",
            f.breakable(checkpoint.architecture) + (f" ({f.breakable(arguments)})" if arguments else ""),
        ),
        ("Parameters", f.count(checkpoint.parameters, "weight")),
        ("Classes", f"{classes}; positive: {f.printable(checkpoint.positive)}; {outputs}"),
        ("Operating threshold", threshold(checkpoint)),
        ("Layer of the maps", f.breakable(checkpoint.cam_layer) if checkpoint.cam_layer else "none recorded"),
        ("Training", _training(checkpoint.training)),
    ]
    return Facts(rows=rows, mono=["SHA-256"])


def threshold(checkpoint: CheckpointRecord) -> str:
    """What it takes to be decided positive."""
    if len(checkpoint.classes) > 2:
        return "none: of more than two classes the largest logit decides"
    return f"probability of {f.printable(checkpoint.positive)} ≥ {f.number(checkpoint.threshold)}"


def _preprocessing(values: dict[str, object]) -> str:
    modes = {"pad": "zero-padded to a square", "stretch": "stretched to a square"}
    size, mode = values.get("size"), values.get("mode")
    if size is None:
        return (
            "; ".join(f"{f.printable(key)} {f.printable(value)}" for key, value in values.items())
            or "not recorded"
        )
    shown = [key for key in ("channels", "inputs", "mean", "std") if values.get(key)]
    rest = [f"{key} {_numbers(values[key])}" for key in shown]
    shape = f"{f.printable(modes.get(str(mode), mode))}, {f.printable(size)} × {f.printable(size)} pixels"
    return f"{shape}, rounded to 8 bits; {'; '.join(rest)}"


def _numbers(value: object) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_numbers(item) for item in value) + ")"
    return f.number(value) if isinstance(value, int | float) else f.printable(value)


def _training(training: dict[str, object]) -> str:
    if not training:
        return "the checkpoint records nothing of its training"
    shown = []
    data = training.get("data")
    if isinstance(data, list):
        names = [f.printable(item.get("name", "unnamed")) for item in data if isinstance(item, dict)]
        shown.append(f"trained on {f.listing(names)}")
    images = training.get("images")
    if isinstance(images, dict) and images:
        parts = [f"{f.printable(n)} for {f.printable(part)}" for part, n in images.items()]
        shown.append(f"images: {f.listing(parts)}")
    known = [key for key in ("recipe", "seed", "epochs") if isinstance(training.get(key), str | int | float)]
    shown += [f"{key} {f.breakable(training[key])}" for key in known]
    recipe = training.get("recipe")
    if isinstance(recipe, dict) and recipe:
        shown.append(f"recipe: {_settings(recipe)}")
    return "; ".join(shown) or "recorded in the checkpoint, without data or recipe"


def _settings(recipe: Mapping[str, object]) -> str:
    """Names and values; those of a part, such as adversarial training, in brackets."""
    return ", ".join(
        f"{f.printable(name.replace('_', ' '))} {_setting(value)}"
        for name, value in recipe.items()
        if value is not None
    )


def _setting(value: object) -> str:
    if isinstance(value, Mapping):
        return f"({_settings(value)})"
    return f.breakable(f"{value:g}" if isinstance(value, float) else value)


def _dataset(dataset: DatasetRecord) -> Facts:
    labels = ", ".join(f"{n} {f.printable(name)}" for name, n in dataset.labels.items()) or "none"
    rows = [
        (
            "Name",
            f"{f.printable(dataset.name)} (read as {f.printable(dataset.kind)} from "
            f"{f.breakable(dataset.path)})",
        ),
        ("Selection", f.printable(dataset.selection)),
        (
            "Images",
            f"{f.count(dataset.images, 'image')} of {f.count(dataset.cases, 'case')}; labels: {labels}",
        ),
        ("Lesion masks", f"{dataset.with_mask} of {dataset.images}"),
        ("Spacing known", f"{dataset.with_spacing} of {dataset.images}"),
        ("Source", f.breakable(dataset.citation) or "no citation given"),
    ]
    return Facts(rows=rows, mono=[])


def _independence(record: AuditRecord) -> list[tuple[str, str]]:
    split = record.checkpoint.training.get("split_words")
    cases = sum(dataset.cases for dataset in record.datasets)
    joined = record.images - cases
    return [
        ("Split", f"{f.printable(split)}" if split else "the checkpoint records no split"),
        ("Leak", f"{words.capital(words.leak(record))}."),
        (
            "Searched for",
            "equal pixels, near-duplicates by fingerprint, and images of a case that is known from training"
            if record.leak.assessed
            else "nothing: without the images of the training there is nothing to compare with",
        ),
        (
            "Cases",
            f"{f.count(record.images, 'image')} of {f.count(cases, 'case')}"
            + (
                f"; {f.count(joined, 'image')} more than cases, which every interval allows for"
                if joined
                else ""
            ),
        ),
        (
            "Near-duplicates",
            "among the audited images: images of one scan count as one case, so that they widen intervals and are "
            "never independent evidence; how many there are is not told apart from other images of a case",
        ),
    ]


def _calibration(record: AuditRecord) -> list[tuple[str, str]]:
    known = sum(dataset.with_spacing for dataset in record.datasets)
    outlined = sum(dataset.with_mask for dataset in record.datasets)
    none = "; distances are parts of the diagonal, and nothing is told in millimetres" if not known else ""
    return [
        ("Preprocessing", _preprocessing(record.checkpoint.preprocessing)),
        ("Pixel spacing", f"known of {known} of {f.count(record.images, 'image')}{none}"),
        ("Outlined lesion", f"in {outlined} of {f.count(record.images, 'image')}"),
        ("Regions", _ring(record)),
    ]


def _ring(record: AuditRecord) -> str:
    ring = record.regions
    parts = []
    if ring.calibrated or not (ring.relative or ring.without_lesion):
        width = f"{f.number(ring.ring_mm)}{f.NBSP}mm"
        parts.append(f"ring around the lesion: {width} wide in {f.count(ring.calibrated, 'image')}")
    if ring.relative:
        parts.append(
            f"in {f.count(ring.relative, 'image')} relative ring, no calibration (0.3 of the lesion's equivalent "
            "diameter)"
        )
    if ring.without_lesion:
        parts.append(f"{f.count(ring.without_lesion, 'image')} without a lesion mask have no regions")
    return "; ".join(parts) + "."
