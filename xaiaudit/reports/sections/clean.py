"""How well the model does before anyone touches the images."""

from xaiaudit.records import CleanRecord
from xaiaudit.reports import format as f
from xaiaudit.reports import words
from xaiaudit.reports.blocks import Block, Canvas, Column, Picture, Row, Section, Table, Text, not_assessed
from xaiaudit.reports.figures.roc import SIDE_MM, draw_roc
from xaiaudit.reports.reading import Audit
from xaiaudit.reports.sections.calibration import calibration

ROC = "roc.svg"


def clean(audit: Audit, canvas: Canvas) -> Section:
    record = audit.record.clean
    if not record.images:
        return Section(
            title="Clean performance",
            blocks=[not_assessed("no audited image has a label that the model knows")],
        )
    classes = audit.record.checkpoint.classes
    blocks: list[Block]
    said = [] if audit.record.checkpoint.diagnoses else [Text(text=f"{words.NO_DIAGNOSIS}.")]
    if record.roc:
        false, true = draw_roc(record, canvas.path(ROC))
        auc = f.value(record.auc)
        picture = Picture(
            file=ROC,
            alt=f"ROC curve, area {auc}; at the operating point the false positive rate is "
            f"{f.percent(false)} and the true positive rate {f.percent(true)}.",
            caption="ROC on clean images, with the operating point",
            width_mm=SIDE_MM,
        )
        blocks = [Row(columns=[[_metrics(record), *_confusion(record, classes)], [picture]])]
    else:
        why = not_assessed("a ROC needs two classes that both occur among the labels")
        blocks = [_metrics(record), why, *_confusion(record, classes)]
    diagnosed = record.reliability if audit.record.checkpoint.diagnoses else None
    blocks += calibration(diagnosed, audit.record.checkpoint.positive, canvas)
    return Section(title="Clean performance", blocks=[*said, *blocks])


def _metrics(record: CleanRecord) -> Table:
    rows = [
        ["AUC", f.value(record.auc)],
        ["Accuracy", f.rate(record.accuracy)],
        ["Balanced accuracy", f.rate(record.balanced_accuracy)],
        ["Sensitivity", f.rate(record.sensitivity)],
        ["Specificity", f.rate(record.specificity)],
    ]
    if record.f1 is not None:
        rows.append(["F1", f.value(record.f1)])
    if record.dice is not None:
        rows.append(["Dice of the outlined lesion", f.value(record.dice)])
    if record.jsi is not None:
        rows.append(["JSI (IoU) of the outlined lesion", f.value(record.jsi)])
    cases = next((i.cases for i in (record.accuracy, record.auc) if i is not None), None)
    among = f" of {f.count(cases, 'case')}" if cases else ""
    return Table(
        columns=[
            Column(title="Metric", width=1.0),
            Column(title="Value (95 % interval)", width=1.2, align="right"),
        ],
        rows=rows,
        caption="Performance on clean images",
        note="AUC: how the scores rank the images, whatever the threshold. Accuracies, sensitivity and "
        f"specificity: how decisions fare. {f.count(record.images, 'image')} with a label that the model knows{among}."
        f"{f.dashes(rows, 'not assessed, because a class is missing')}",
    )


def _confusion(record: CleanRecord, classes: list[str]) -> list[Block]:
    if not record.confusion:
        return []
    names = [f.printable(name) for name in classes]
    shares = ", ".join(
        f"{f.printable(name)} {f.percent(share)}" for name, share in record.decision_shares.items()
    )
    how = "at the operating threshold" if len(classes) == 2 else "by the largest logit"
    table = Table(
        columns=[
            Column(title="Label", width=1.1),
            *(Column(title=f"Decided {name}", align="right") for name in names),
            Column(title="All", width=0.7, align="right"),
        ],
        rows=[
            [name, *(str(n) for n in row), str(sum(row))]
            for name, row in zip(names, record.confusion, strict=True)
        ],
        caption=f"Decisions {how}, in images",
        note=f"Decisions on all images: {shares}.",
    )
    return [table]
