"""What this audit does not show, so that nobody reads more into it."""

from xaiaudit.records import AuditRecord
from xaiaudit.reports.blocks import Canvas, Points, Section
from xaiaudit.reports.reading import Audit

_LIMITS = [
    "An attack that fails shows that this attack failed, not that the model is robust: flip rates are "
    "lower bounds.",
    "White-box attacks are the worst case that a computer can find; how likely they are in a clinic is "
    "not measured.",
    "Perturbations live on the network's input grid. Nothing is claimed about stored full-size images, "
    "nor about another depth, probe or scanner{gain}.",
    "A map that stays still need not be right, and a map that points at the lesion need not be the reason "
    "for the decision. CAM and Grad-CAM explain a coarse layer.",
    "Labels and outlines are taken as the dataset has them; how good that reference standard is was not looked at.",
    "Intervals hold for images like the audited ones. They say nothing about other hospitals, devices or "
    "patients, and they are not corrected for the number of attacks and explainers shown.",
]


def limits_of(record: AuditRecord) -> list[str]:
    """What no audit shows, and of changes of gain what this one does."""
    gain = (
        "; of changes of gain and the like it knows the simulated ones alone"
        if record.variability is not None
        else ", nor another gain"
    )
    return [limit.format(gain=gain) for limit in _LIMITS]


def limits(audit: Audit, canvas: Canvas) -> Section:
    judged = (
        "The verdict says whether the policy holds on these images. Whether the policy asks enough is for those who "
        "sign it."
        if audit.verdict is not None
        else "Without a policy this document is a description."
    )
    claims = "It claims compliance with no standard and no law."
    items = [*limits_of(audit.record), f"{judged} {claims}"]
    return Section(title="What this audit does not show", blocks=[Points(items=items)])
