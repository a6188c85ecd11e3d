"""What was audited: checkpoint, data, and against whom (the threat model, in grey levels)."""

from xaiaudit.records import AttackRecord, AuditRecord, CheckpointRecord, DatasetRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Facts, Section, Table, Text
from xaiaudit.reports.reading import Audit

TITLE = "What was audited"
KNOWLEDGE = (
    "An attack that follows gradients knows the model, its weights and its preprocessing; one that does not (square, "
    "noise, black-box attacks of ART) only asks the model. Either changes the grey image and nothing else, and leaves "
    "padding alone. Perturbations live on the network's input grid. Results after "
    "rounding to 8 bits are judged at that size as well; nothing is claimed about full-size files in "
    "storage, for no attack went through the resize."
)


def audited(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record
    blocks: list[Block] = [
        Text(text="Checkpoint", style="subheading"),
        _checkpoint(record.checkpoint),
        Text(text="Data", style="subheading"),
        *(_dataset(dataset) for dataset in record.datasets),
        Text(text=_ring(record), style="note"),
        Text(text="Threat model", style="subheading"),
        Text(text=KNOWLEDGE),
        _threat(record),
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
        ("Operating threshold", _threshold(checkpoint)),
        ("Preprocessing", _preprocessing(checkpoint.preprocessing)),
        ("Layer of the maps", f.breakable(checkpoint.cam_layer) if checkpoint.cam_layer else "none recorded"),
        ("Training", _training(checkpoint.training)),
    ]
    return Facts(rows=rows, mono=["SHA-256"])


def _threshold(checkpoint: CheckpointRecord) -> str:
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
        settings = ", ".join(
            f"{f.printable(name.replace('_', ' '))} {f.breakable(value)}"
            for name, value in recipe.items()
            if value is not None
        )
        shown.append(f"recipe: {settings}")
    return "; ".join(shown) or "recorded in the checkpoint, without data or recipe"


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


def _ring(record: AuditRecord) -> str:
    ring = record.regions
    text = f"Ring around the lesion: {f.number(ring.ring_mm)} mm wide in {f.count(ring.calibrated, 'image')}"
    if ring.relative:
        text += (
            f"; in {f.count(ring.relative, 'image')} relative ring, no calibration (0.3 of the lesion's "
            "equivalent diameter)"
        )
    if ring.without_lesion:
        text += f"; {f.count(ring.without_lesion, 'image')} without a lesion mask have no regions"
    return text + "."


def _threat(record: AuditRecord) -> Table:
    return Table(
        columns=[
            Column(title="Attack", width=0.8),
            Column(title="In words", width=3.4),
            Column(title="Norm", width=0.5),
            Column(title="Radius in [0, 1]", width=0.75, align="right"),
            Column(title="Radius, grey levels", width=0.75, align="right"),
            Column(title="Steps", width=0.5, align="right"),
            Column(title="Step, grey levels", width=0.75, align="right"),
            Column(title="Start", width=0.7),
        ],
        rows=[_threat_row(attack) for attack in record.attacks],
        caption="The attacks",
        note=_criteria(record.attacks),
    )


def _criteria(attacks: list[AttackRecord]) -> str:
    goals: dict[str, list[str]] = {}
    for attack in attacks:
        goals.setdefault(attack.criterion, []).append(f.printable(attack.id))
    stated = "; ".join(f"{f.printable(goal)} ({f.listing(ids)})" for goal, ids in goals.items())
    return f"Goal: {stated}. One grey level is 1/255 of the intensity range [0, 1]."


def _threat_row(attack: AttackRecord) -> list[str]:
    linf = attack.norm == "linf"
    return [
        f.identifier(attack.id),
        f.printable(attack.summary),
        "L∞" if linf else "L2",
        f.number(attack.epsilon) if attack.epsilon is not None else words.no_radius(attack),
        f.grey_levels(attack.epsilon) if linf else f.DASH,
        str(attack.steps),
        f.grey_levels(attack.step_size) if linf else f.DASH,
        "random" if attack.random_start else "image",
    ]
