"""Policies that are right, and a list of such that are not: what each must be told, and for which line."""

# ruff: noqa: E501

RIGHT = """\
version = 1

[audit]
attacks = [
  "fgsm:epsilon=1/255",
  "pgd:epsilon=1/255,steps=40",
  "pgd:epsilon=2/255",
  "map-shift",
]
explainers = ["grad-cam"]

[gate]
min_cases = 40

[intended_use]
statement = \"\"\"
[[finding]]
metric = "not a finding"
\"\"\"

[[finding]]
metric = "auc"
min = 0.8

[[finding]]
metric = "flip-rate"
attack = "fgsm"
max = 0.5
max_regression = 0.0

[[finding]] # the same of one device
metric = "flip-rate"
attack = "pgd:steps=40,epsilon=1/255"
max = 0.5
subgroup = { device = "Logiq 5" }

[[finding]]
metric = "silent-shift"
attack = "map-shift"
explainer = "grad-cam"
max = 0.9

[[finding]]
metric = "pointing"
explainer = "grad-cam"
region = "lesion"
min = 0.1
"""

HEAD = '[audit]\nattacks = ["fgsm:epsilon=1/255", "pgd:steps=9"]\n'  # two lines
AUC = '[[finding]]\nmetric = "auc"\nmin = 0.8\n'  # three
FLIPS = '[[finding]]\nmetric = "flip-rate"\nattack = "fgsm"\n'  # three


def audit(lines: str) -> str:
    """A policy whose [audit] has these, from line 3 on."""
    return HEAD + lines + "\n" + AUC


def finding(lines: str) -> str:
    """A policy with one finding, whose keys begin in line 4."""
    return f"{HEAD}[[finding]]\n{lines}\n"


# what is wrong: text, line (None: the whole file), what the message must hold
MALFORMED: dict[str, tuple[str | bytes, int | None, str]] = {
    "empty": ("", None, "holds no key; xaiaudit init"),
    "comments alone": ("# nothing\n\n", None, "holds no key"),
    "YAML": ("audit:\n  attacks: [fgsm]\n", 1, "not TOML"),
    "JSON": ('{"audit": {}}', 1, "not TOML"),
    "text without quotes": (audit("precision = float32"), 3, "text stands in quotes"),
    "an open string": (audit('dataset = "busi'), 3, "a text is not closed"),
    "an open list": ('[audit]\nattacks = [\n"fgsm"\n', 4, "Unclosed array"),
    "a list without a comma": ('[audit]\nattacks = [\n"fgsm"\n"pgd"]\n', 4, "Unclosed array"),
    "a key given twice": (
        audit("seed = 1\ndata = [\n]\nseed = 2"),
        6,
        "'seed' is given twice, first in line 3",
    ),
    "a list given twice": (
        HEAD + 'attacks = [\n"pgd",\n]\n' + AUC,
        3,
        "'attacks' is given twice, first in line 2",
    ),
    "a table given twice": (HEAD + AUC + "[audit]\n", 6, "Cannot declare"),
    "an inline key given twice": (
        finding('metric = "accuracy"\nmin = 0.5\nsubgroup = { device = "a", device = "b" }'),
        6,
        "'device' is given twice",
    ),
    "a byte-order mark": (b"\xef\xbb\xbf" + audit("").encode(), 1, "byte-order mark"),
    "UTF-16": (audit("").encode("utf-16"), 1, "is not UTF-8"),
    "Latin-1": (audit('seed = 1\ndata = ["Universit\xe4t"]').encode("latin-1"), 4, "byte 0xe4 is not UTF-8"),
    "brackets without end": ("a = " + "[" * 20000, None, "too deep"),
    "a number without end": ("a = " + "9" * 5000, None, "thousands of digits"),
    "a null byte": (audit('dataset = "\0"'), 3, "not TOML"),
    "no audit": (AUC, None, "no [audit]"),
    "no finding": (HEAD, None, "no [[finding]]"),
    "no attacks": ("[audit]\nseed = 3\n" + AUC, 1, "[audit] lacks 'attacks'"),
    "an empty list of attacks": ("[audit]\nattacks = []\n" + AUC, 2, "at least one"),
    "finding as one table": (
        HEAD + AUC.replace("[[finding]]", "[finding]"),
        3,
        "[[finding]], in two brackets",
    ),
    "audit as a list": (HEAD.replace("[audit]", "[[audit]]") + AUC, 1, "write [audit], in one bracket"),
    "an unknown table": (HEAD + "[gates]\nmin_cases = 3\n" + AUC, 3, "unknown key 'gates'"),
    "findings": (
        HEAD + AUC.replace("finding", "findings"),
        3,
        "unknown key 'findings' in the policy; the nearest is 'finding'",
    ),
    "an unknown key": (
        finding('metric = "flip-rate"\natack = "fgsm"\nmax = 0.1'),
        5,
        "unknown key 'atack' in [[finding]]; the nearest is 'attack'",
    ),
    "a key misspelt that must be there": (
        finding('metrik = "auc"\nmin = 0.8'),
        4,
        "unknown key 'metrik' in [[finding]]; the nearest is 'metric'",
    ),
    "an unknown key of [audit]": (audit("explainer = []"), 3, "the nearest is 'explainers'"),
    "a key of another table": (audit("require_calibration = true"), 3, "it belongs to [gate]"),
    "a version to come": (
        "version = 2\n" + HEAD + AUC,
        1,
        "'version' in the policy must be at most 1, got 2",
    ),
    "a version that is no number": ("version = true\n" + HEAD + AUC, 1, "a whole number, got true"),
    "one attack, not a list": ('[audit]\nattacks = "fgsm"\n' + AUC, 2, "must be a list"),
    "an attack that is a number": ('[audit]\nattacks = [\n"fgsm",\n8]\n' + AUC, 4, "text in quotes, got 8"),
    "a seed below zero": (audit("seed = -1"), 3, "at least 0, got -1"),
    "a seed that is no whole number": (audit("seed = 1.5"), 3, "a whole number, got 1.5"),
    "a truth in quotes": (audit('curve = "yes"'), 3, "true or false, got 'yes'"),
    "an infinite ring": (audit("ring_mm = inf"), 3, "a finite number, got inf"),
    "no ring": (audit("ring_mm = 0"), 3, "more than 0, got 0"),
    "no time": (audit("max_minutes = 0.0"), 3, "more than 0"),
    "an unknown precision": (audit('precision = "bf-16"'), 3, "the nearest is 'bf16'"),
    "an unknown dataset": (
        audit('data = ["x"]\ndataset = "bus-bra"'),
        4,
        "unknown dataset 'bus-bra'; the nearest is 'busbra'",
    ),
    "a dataset of no data": (audit('dataset = "busi"'), 3, "add 'data'"),
    "data without a name": (audit('data = ["x",\n" "]'), 4, "an empty text"),
    "an unknown attack": (
        '[audit]\nattacks = [\n"fgsm",\n"pdg:steps=4"]\n' + AUC,
        4,
        "unknown attack 'pdg'; the nearest is 'pgd'",
    ),
    "an unknown parameter": (
        '[audit]\nattacks = ["fgsm:epsillon=1/255"]\n' + AUC,
        2,
        "fgsm has no parameter 'epsillon'; it takes epsilon",
    ),
    "a parameter that is no number": (
        '[audit]\nattacks = ["fgsm:epsilon=small"]\n' + AUC,
        2,
        "a finite number",
    ),
    "an attack twice": (
        '[audit]\nattacks = ["fgsm", "pgd",\n"fgsm:steps=25"]\n' + AUC,
        3,
        "names 'fgsm:steps=25' twice",
    ),
    "an unknown criterion": (
        audit('criteria = ["leave-decison"]'),
        3,
        "unknown criterion 'leave-decison'; the nearest is 'leave-decision'",
    ),
    "an unknown explainer": (
        audit('explainers = ["gradcam"]'),
        3,
        "unknown explainer 'gradcam'; the nearest is 'grad-cam'",
    ),
    "an unknown change": (audit('acquisition = ["gian"]'), 3, "gain"),
    "a change out of range": (audit('acquisition = ["jpeg:quality=400"]'), 3, "jpeg"),
    "a share above 1": (
        finding('metric = "flip-rate"\nattack = "fgsm"\nmax = 5'),
        6,
        "at most 1, got 5; a share is written from 0 to 1",
    ),
    "a share below 0": (finding('metric = "auc"\nmin = -0.1'), 5, "at least 0, got -0.1"),
    "a share that is no number": (finding('metric = "auc"\nmin = "80 %"'), 5, "a number, got '80 %'"),
    "no cases": (HEAD + "[gate]\nmin_cases = 0\n" + AUC, 4, "at least 1, got 0"),
    "too much left out": (HEAD + "[gate]\nmax_left_out = 2\n" + AUC, 4, "at most 1, got 2"),
    "no metric": (AUC.replace('metric = "auc"\n', "") + HEAD, 1, "[[finding]] lacks 'metric'"),
    "an unknown metric": (
        HEAD + AUC + '[[finding]]\nmetric = "flip rate"\nattack = "fgsm"\nmax = 0.1\n',
        7,
        "unknown metric 'flip rate'; the nearest is 'flip-rate'",
    ),
    "a metric that nothing is like": (finding('metric = "beauty"\nmin = 0.5'), 4, "there are auc, accuracy"),
    "no limit": (HEAD + FLIPS, 4, "asks for nothing; say 'max' or 'max_regression'"),
    "a largest AUC": (finding('metric = "auc"\nmax = 0.9'), 5, "auc is worse when lower"),
    "a smallest flip rate": (HEAD + FLIPS + "max = 0.2\nmin = 0.5\n", 7, "flip-rate is worse when higher"),
    "a limit that always holds": (HEAD + FLIPS + "max = 1\n", 6, "'max' = 1 holds whatever the model does"),
    "a smallest value of nothing": (
        finding('metric = "auc"\nmin = 0.0'),
        5,
        "'min' = 0 holds whatever the model does",
    ),
    "any worsening": (
        HEAD + FLIPS + "max_regression = 1.0\n",
        6,
        "'max_regression' = 1 tolerates any worsening",
    ),
    "a worsening above 1": (HEAD + FLIPS + "max_regression = 10\n", 6, "at most 1, got 10"),
    "a judge of nothing": (
        HEAD + FLIPS + 'max_regression = 0.1\njudge = "estimate"\n',
        7,
        "'judge' says what must lie",
    ),
    "an unknown judge": (HEAD + FLIPS + 'max = 0.1\njudge = "bounds"\n', 7, "the nearest is 'bound'"),
    "an attack on a clean metric": (
        finding('metric = "auc"\nattack = "fgsm"\nmin = 0.5'),
        5,
        "takes no 'attack'",
    ),
    "a flip rate of no attack": (
        finding('metric = "flip-rate"\nmax = 0.1'),
        4,
        "say of which, with 'attack'",
    ),
    "an attack that is not made": (
        finding('metric = "flip-rate"\nattack = "apgd"\nmax = 0.1'),
        5,
        "'apgd' is not among attacks of [audit]",
    ),
    "an attack made otherwise": (
        finding('metric = "flip-rate"\nattack = "fgsm:epsilon=2/255"\nmax = 0.1'),
        5,
        "the nearest is 'fgsm:epsilon=1/255'",
    ),
    "one of two attacks": (
        '[audit]\nattacks = ["pgd", "pgd:steps=4"]\n[[finding]]\nmetric = "flip-rate"\nattack = "pgd:restarts=2"\nmax = 0.5',
        5,
        "is not among attacks",
    ),
    "an attack of two": (
        '[audit]\nattacks = ["pgd:steps=3", "pgd:steps=4"]\n[[finding]]\nmetric = "flip-rate"\nattack = "pgd"\nmax = 0.5',
        5,
        "means 2 of attacks of [audit]; write one in full",
    ),
    "a criterion that is not asked for": (
        HEAD + FLIPS + 'criterion = "true-label"\nmax = 0.1\n',
        6,
        "'true-label' is not among criteria of [audit]",
    ),
    "a criterion of no attack": (
        finding('metric = "pointing"\nexplainer = "cam"\ncriterion = "joint"\nmin = 0.1'),
        6,
        "takes no 'criterion'",
    ),
    "a flip rate of another goal": (
        '[audit]\nattacks = ["fgsm"]\ncriteria = ["true-label"]\n' + FLIPS + "max = 0.1\n",
        6,
        "needs attacks whose criterion is leave-decision",
    ),
    "a flip rate of map-shift": (
        '[audit]\nattacks = ["map-shift"]\n[[finding]]\nmetric = "flip-rate"\nattack = "map-shift"\nmax = 0.1',
        5,
        "map-shift leaves the decision as it is",
    ),
    "a flip rate without a radius": (
        '[audit]\nattacks = ["deepfool"]\n[[finding]]\nmetric = "flip-rate"\nattack = "deepfool"\nmax = 0.1',
        5,
        "deepfool has no radius",
    ),
    "a map of no explainer": (
        finding('metric = "silent-shift"\nattack = "fgsm"\nmax = 0.1'),
        4,
        "say of which, with 'explainer'",
    ),
    "a map of an explainer that is not made": (
        finding('metric = "silent-shift"\nattack = "fgsm"\nexplainer = "score-cam"\nmax = 0.1'),
        6,
        "'score-cam' is not among explainers of [audit]",
    ),
    "an explainer of a flip rate": (
        HEAD + FLIPS + 'explainer = "cam"\nmax = 0.1\n',
        6,
        "takes no 'explainer'",
    ),
    "a region of a flip rate": (HEAD + FLIPS + 'max = 0.1\nregion = "ring"\n', 7, "takes no 'region'"),
    "an extreme of a silent shift": (
        finding(
            'metric = "silent-shift"\nattack = "fgsm"\nexplainer = "cam"\nextreme = "maximum"\nmax = 0.1'
        ),
        7,
        "takes no 'extreme'",
    ),
    "an unknown region": (
        finding('metric = "pointing"\nexplainer = "cam"\nregion = "rings"\nmin = 0.1'),
        6,
        "the nearest is 'ring'",
    ),
    "a clean value after rounding": (
        finding('metric = "auc"\nmin = 0.8\nrounded = true'),
        6,
        "takes no 'rounded'",
    ),
    "maps after rounding": (
        finding('metric = "silent-shift"\nattack = "fgsm"\nexplainer = "cam"\nmax = 0.5\nrounded = true'),
        8,
        "takes no 'rounded'",
    ),
    "an unknown subgroup": (
        HEAD + FLIPS + 'max = 0.1\nsubgroup = { scanner = "x" }\n',
        7,
        "unknown subgroup 'scanner'; there are dataset, label, device, birads, size",
    ),
    "a subgroup in a table": (
        HEAD + FLIPS + 'max = 0.1\n[finding.subgroup]\ndevise = "x"\n',
        8,
        "the nearest is 'device'",
    ),
    "a subgroup that is a number": (
        HEAD + FLIPS + "max = 0.1\nsubgroup = { birads = 4 }\n",
        7,
        "'birads' in subgroup of [[finding]] must be text in quotes, got 4",
    ),
    "an AUC of one label": (
        finding('metric = "auc"\nmin = 0.8\nsubgroup = { label = "benign" }'),
        6,
        "needs both classes",
    ),
    "a second sweep that is not made": (
        '[audit]\nattacks = ["fgsm"]\nacquisition = []\n[[finding]]\nmetric = "sweep-flip-rate"\nmax = 0.1',
        5,
        "needs a second sweep",
    ),
    "the same finding twice": (
        HEAD + FLIPS + "max = 0.1\n" + AUC + FLIPS + "max_regression = 0.1\n",
        10,
        "the same as finding 1",
    ),
    "the same finding in other words": (
        HEAD + FLIPS + "max = 0.1\n" + FLIPS.replace("fgsm", "fgsm:epsilon=1/255,steps=25") + "max = 0.2",
        7,
        "the same as finding 1",
    ),
    "a fault below a long text": (
        HEAD + '[intended_use]\nstatement = """\nmax = 2\n[[finding]]\n"""\n' + AUC + "max_regression = 7\n",
        11,
        "at most 1, got 7",
    ),
    "a fault after Windows' ends of lines": (
        (HEAD + AUC + "juge = 1\n").replace("\n", "\r\n"),
        6,
        "unknown key 'juge'",
    ),
}
