"""Which page of this report bears on which item of the checklists that reviewers use. It claims none of them.

Items go by topic. Numbers are given where the source was at hand when this was written: the ten guiding principles of
IMDRF/AIML WG/N88 FINAL:2025 and the paragraphs of Article 15 of Regulation (EU) 2024/1689.
"""

from collections.abc import Mapping, Sequence

from xaiaudit.reports import format as f
from xaiaudit.reports.blocks import Column, Section, Table, Text

TITLE = "Where to look, by checklist"
LEAD = (
    "Reviewers read with checklists. Below stands which page of this report bears on which of their topics. It is a "
    "guide to the pages and claims compliance with none of them: most of their items concern design, data collection "
    "and clinical study, of which an audit sees nothing. Items go by topic; numbers stand where they are the "
    "document’s own."
)
CLAIM, TRIPOD, STARD = "CLAIM, 2024 update", "TRIPOD+AI", "STARD-AI"
GMLP, ACT = "Good machine learning practice, IMDRF N88:2025", "EU AI Act, Regulation (EU) 2024/1689"
# checklist -> topic -> keys of sections
ITEMS: Mapping[str, Mapping[str, Sequence[str]]] = {
    CLAIM: {
        "Intended use and clinical role": ["intended_use"],
        "Data sources and preprocessing": ["audited"],
        "Partitions, and at what level they are disjoint": ["audited"],
        "Model: architecture, parameters, how it was made ready": ["audited", "reproducibility"],
        "Metrics of model performance with their uncertainty": ["clean"],
        "Robustness or sensitivity analysis": ["flips", "curve", "self_checks", "variability"],
        "Explainability or interpretability, and how it was validated": ["shift", "pointing", "variability"],
        "Failure analysis of incorrectly classified cases": ["gallery", "left_out"],
        "Limitations, bias, generalisability": ["subgroups", "limits"],
    },
    TRIPOD: {
        "Intended use and target population": ["intended_use"],
        "Sources of data": ["audited"],
        "Missing data and exclusions": ["left_out"],
        "Performance with confidence intervals": ["clean"],
        "Heterogeneity and subgroups": ["subgroups"],
        "Limitations": ["limits"],
        "Code and how to repeat the analysis": ["reproducibility"],
    },
    STARD: {
        "Intended use of the index test": ["intended_use"],
        "The index test in enough detail to allow replication": ["audited", "reproducibility"],
        "Test positivity cut-off": ["audited"],
        "Datasets and their partition": ["audited"],
        "Estimates of diagnostic accuracy and their precision": ["clean"],
        "Indeterminate or missing results": ["left_out"],
    },
    GMLP: {
        "1 Intended use is well understood": ["intended_use"],
        "2 Sound software engineering and security": ["audited", "threat", "reproducibility"],
        "3 Evaluation data represent the intended population": ["audited", "subgroups", "limits"],
        "4 Training data are independent of test data": ["audited", "left_out"],
        "5 Reference standards are fit for purpose": ["limits"],
        "8 Testing in clinically relevant conditions": ["variability", "clean"],
        "9 Users get clear, essential information": ["verdict", "limits", "glossary"],
        "10 Deployed models are monitored, retraining risks managed": ["findings"],
    },
    ACT: {
        "Article 15(1) Appropriate accuracy, robustness and cybersecurity": ["verdict", "clean", "flips"],
        "Article 15(3) Accuracy and its metrics are declared": ["clean"],
        "Article 15(4) Resilience to errors, faults and inconsistencies": ["variability", "left_out"],
        "Article 15(5) Resilience to attempts to alter use or outputs: adversarial examples, model evasion": [
            "threat", "flips", "shift",
        ],
    },
}  # fmt: skip


def checklist(sections: Sequence[Section]) -> Section:
    """Pages of the sections that a document has; those with nothing to tell are named as such."""
    known = {section.key: section for section in sections}
    rows: list[list[str]] = []
    for name, items in ITEMS.items():
        rows.append([name])
        rows += [[topic, _pages(keys, known)] for topic, keys in items.items()]
    table = Table(
        columns=[Column(title="Topic", width=1.0), Column(title="Page and section", width=1.1)],
        rows=rows,
        caption="Topics of the checklists, and the pages that bear on them",
        note="A topic without a page is one of which this audit says nothing.",
    )
    return Section(title=TITLE, blocks=[Text(text=LEAD), table])


def _pages(keys: Sequence[str], known: Mapping[str, Section]) -> str:
    shown = []
    for key in keys:
        if key in known:
            lacking = "" if known[key].assessed else " (not available)"
            shown.append(f"{f.page_of(key)} {known[key].title}{lacking}")
    return "; ".join(shown) or f.DASH
