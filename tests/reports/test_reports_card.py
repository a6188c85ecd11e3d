"""The robustness section of a model card: its figures, its place in a card, and what of the card it leaves alone."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import example_verdict
import pytest
import yaml
from click.testing import CliRunner
from huggingface_hub import EvalResult, ModelCard
from markdown_it import MarkdownIt

from xaiaudit.audit_files import read_record
from xaiaudit.cli import main
from xaiaudit.records import AuditRecord, Interval
from xaiaudit.reports import format as f
from xaiaudit.reports import markup, words, write_card
from xaiaudit.reports.card.front_matter import with_results
from xaiaudit.reports.card.placing import BEGIN, END, with_section
from xaiaudit.reports.card.results import eval_results
from xaiaudit.reports.card.section import section
from xaiaudit.reports.sections.limits import limits_of

HERE = Path("README.md")
OLD = """\
---
license: mit  # as the weights
tags: [ultrasound, "breast"]
model-index:
- name: their-model
  results:
  - task: {type: image-classification}
    dataset: {type: other, name: "Their data", revision: 0123abc}
    metrics:
    - {type: accuracy, value: 0.91, name: "Accuracy: theirs"}
  - task: {type: image-segmentation}
    dataset: {type: other, name: Their data}
    metrics:
    - {type: dice, value: 71}
- name: another-model
  results:
  - task: {type: image-classification}
    dataset: {type: other, name: Their data}
    metrics: [{type: accuracy, value: 0.5}]
# a comment that stays
library_name:   xaiaudit
---
# Their model

Text with *markup*,  two spaces and a | stroke.  &nbsp;
"""


@pytest.fixture(scope="module")
def record(folder: Path) -> AuditRecord:
    return read_record(folder)


def mine(path: Path) -> list[EvalResult]:
    """As the Hub's own reader finds them."""
    results: list[EvalResult] = ModelCard.load(path).data.eval_results
    return [result for result in results if (result.metric_args or {}).get("tool") == "xaiaudit"]


def found(results: list[EvalResult], metric: str, config: str | None = None) -> EvalResult:
    (one,) = [r for r in results if (r.metric_type, r.metric_config) == (metric, config)]
    return one


def test_the_hubs_reader_finds_the_values_of_the_audit(folder: Path, tmp_path: Path) -> None:
    results = mine(write_card(folder, out=tmp_path / "card.md"))
    audit = json.loads((folder / "audit.json").read_bytes())
    expected = {
        ("roc_auc", None): audit["clean"]["auc"],
        ("recall", None): audit["clean"]["sensitivity"],
        ("specificity", None): audit["clean"]["specificity"],
    }
    for attack in audit["attacks"]:
        expected |= {
            ("flip_rate", attack["id"]): attack["flips"],
            ("flip_rate_8bit", attack["id"]): attack["flips_quantised"],
            ("robust_accuracy", attack["id"]): attack["robust_accuracy"],
            ("missed_positive_rate", attack["id"]): attack["missed_cancers"],
            ("false_alarm_rate", attack["id"]): attack["false_alarms"],
        }
    for moved in audit["maps"]:
        if moved["target"] == "same":
            pair = f"{moved['attack_id']}, {moved['explainer_id']}"
            expected[("silent_shift_rate", pair)] = moved["silent_shift"]
    for (metric, config), interval in expected.items():
        result = found(results, metric, config)
        assert result.metric_value == interval["estimate"]
        assert (result.metric_args["low"], result.metric_args["high"]) == (interval["low"], interval["high"])
        assert result.metric_args["images"] == interval["n"]
        assert result.verified is False
    assert found(results, "flip_rate", "fgsm").metric_args["epsilon"] == 0.1
    assert {(r.task_type, r.dataset_name, r.dataset_split) for r in results} == {
        ("image-classification", "BUSI", "test split of the checkpoint, seed 0")
    }


def test_what_was_not_assessed_is_no_result(record: AuditRecord) -> None:
    constant = record.attacks[0].model_copy(update={"assessable": False, "why_not": "it decides one way"})
    clean = record.clean.model_copy(update={"auc": None})
    stood = [m.model_copy(update={"silent_shift_unflipped": none_of(0)}) for m in record.maps]
    changed = record.model_copy(update={"attacks": [constant], "clean": clean, "maps": stood})
    kinds = {result.metric_type for result in eval_results(changed)}
    assert kinds == {"accuracy", "balanced_accuracy", "recall", "specificity", "f1", "pointing_game"}
    told = section(changed)
    assert "| `fgsm` | 25.5 | not assessable | — | — | — | — | 24 |" in told
    assert "> **Not assessable.** " in told
    assert "no decision stood" in told


def none_of(n: int) -> Interval:
    return Interval(estimate=None, low=None, high=None, n=n, cases=n, method="by hand")


def test_a_model_that_outlines_alone_has_results_of_segmentation_alone(record: AuditRecord) -> None:
    dice = Interval(estimate=0.7, low=0.6, high=0.8, n=24, cases=21, method="by hand")
    changed = record.model_copy(
        update={
            "checkpoint": record.checkpoint.model_copy(update={"diagnoses": False}),
            "clean": record.clean.model_copy(update={"dice": dice}),
        }
    )
    assert {(r.task_type, r.metric_type) for r in eval_results(changed)} == {("image-segmentation", "dice")}
    assert "> **No diagnosis.** " in section(changed)


def test_the_section_tells_what_a_reader_must_know(record: AuditRecord) -> None:
    told = f.terminal(section(record))
    for said in (
        "**Verdict: no policy.**",
        record.checkpoint.sha256,
        "| Sensitivity | 66.7 % (35.4 to 87.9) | 9 |",
        "| `fgsm` | 25.5 | 87.5 % (67.5 to 95.9) |",
        "Missed cancers | False alarms",
        "Silent shift",
        "| `cam` | `pgd` | lesion | ",
        "Leak: none of the audited images",
        "lower bound",
        "not a medical device",
        "xaiaudit attack model.pt --method fgsm --method deepfool",
    ):
        assert said in told, said


def test_a_verdict_names_every_finding_that_did_not_pass(folder: Path, tmp_path: Path) -> None:
    audit = shutil.copytree(folder, tmp_path / "audit")
    findings = [
        *example_verdict.mixed(passed=2, failed=1, not_assessed=1),
        example_verdict.finding(9, "failed", name="a|b", words="*clean* AUC 0.61"),
    ]
    use = {"statement": "triage of <masses>", "limits": "adults only"}
    judged = example_verdict.verdict(audit, findings)
    policy = judged.policy.model_copy(update={"intended_use": use})
    (audit / "gate.json").write_text(judged.model_copy(update={"policy": policy}).model_dump_json())
    told = write_card(audit).read_text()
    assert "**Verdict: failed** by the policy `ci/xaiaudit.toml`" in told
    assert ": 2 failed, 1 not assessed, 2 passed. Baseline: `last.pt`" in told
    assert "| **failed** | a\\|b/9 | \\*clean\\* AUC 0.61 |" in told
    assert told.count("| **not assessed** |") == 1
    assert "- deepfool is not judged: it has no radius" in told
    assert "### Intended use\n\n- Statement: triage of \\<masses\\>" in told
    assert words.NO_POLICY not in told


def test_the_card_tells_the_limits_that_the_report_tells(record: AuditRecord) -> None:
    for audited, gain in (
        (record, "it knows the simulated ones alone."),
        (record.model_copy(update={"variability": None}), "scanner, nor another gain."),
    ):
        told, limits = section(audited), limits_of(audited)
        assert all(f"- {markup.text(limit)}\n" in told for limit in limits)
        assert any(gain in limit for limit in limits)
        assert not any("{" in limit for limit in limits)  # a place that nobody filled in


def test_limits_of_the_command_line_are_no_policy_file(folder: Path, tmp_path: Path) -> None:
    audit = shutil.copytree(folder, tmp_path / "audit")
    limits = {"path": "command line", "sha256": None, "text": "--max-flip-rate 0.3"}
    judged = example_verdict.verdict(audit, example_verdict.mixed(failed=0, not_assessed=0), baseline=None)
    judged = judged.model_copy(update={"policy": judged.policy.model_copy(update=limits)})
    (audit / "gate.json").write_text(judged.model_dump_json())
    told = write_card(audit).read_text()
    assert "**Verdict: passed** by limits of the command line (`--max-flip-rate 0.3`): 3 passed. " in told
    assert "Compared with no baseline." in told
    assert "| Result |" not in told


def test_a_verdict_of_another_audit_is_not_this_ones(folder: Path, tmp_path: Path) -> None:
    audit = shutil.copytree(folder, tmp_path / "audit")
    judged = example_verdict.verdict(audit, example_verdict.mixed(), audit_sha256="0" * 64)
    (audit / "gate.json").write_text(judged.model_dump_json())
    told = write_card(audit).read_text()
    assert "**Verdict: none.** Verdict of another audit" in told
    assert "Baseline" not in told


def test_a_leak_stands_before_every_figure(record: AuditRecord) -> None:
    leak = record.leak.model_copy(update={"exact": ["BUSI/a.png"]})
    told = section(record.model_copy(update={"leak": leak}))
    assert told.index("> **Leak.** 1 audited image") < told.index("### What was audited")


def test_the_rest_of_a_card_stays_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    for old in (OLD, OLD.replace("\n", "\r\n"), "\ufeff" + OLD, "# No front matter\n", "no line end", ""):
        card.write_bytes(old.encode())
        write_card(folder, into=card)
        new = card.read_bytes().decode()
        line = "\r\n" if "\r\n" in old else "\n"
        if "\r\n" in old:
            assert new.count("\n") == new.count("\r\n")
        head, rest = old[: old.find("model-index")], old[old.rfind("# a comment that") :]
        if "model-index" in old:
            assert new.startswith(head)
            assert f"{line}{rest}" in new
        else:
            assert f"---{line}{old}" in new
        assert new.split(END)[1] == line
        assert new.count(BEGIN) == new.count(END) == 1
        write_card(folder, into=card)
        assert card.read_bytes().decode() == new
        assert len(mine(card)) == len(eval_results(read_record(folder)))


def test_text_after_the_section_and_an_older_section(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"{OLD}\n{BEGIN}\nwhat an older version wrote\n{END}\n\n## After\n")
    write_card(folder, into=card)
    text = card.read_text()
    assert text.endswith(f"\n{END}\n\n## After\n")
    assert "an older version" not in text


def test_results_and_models_of_others_are_kept(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(OLD)
    write_card(folder, into=card)
    before, after = (yaml.safe_load(text.split("---\n")[1]) for text in (OLD, card.read_text()))
    theirs, another = after["model-index"]
    assert another == before["model-index"][1]
    assert theirs["results"][:2] == before["model-index"][0]["results"]
    assert {k: v for k, v in after.items() if k != "model-index"} == {
        k: v for k, v in before.items() if k != "model-index"
    }


def test_a_model_that_has_no_results_yet_stays(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    empty = "- name: later\n  results: []\n"  # as training scripts leave it
    card.write_text(f"---\nmodel-index:\n- name: first\n  results: []\n{empty}---\n# Card\n")
    write_card(folder, into=card)
    index = yaml.safe_load(card.read_text().split("---\n")[1])["model-index"]
    assert index[0]["name"] == "first"
    assert index[0]["results"] != []
    assert index[1:] == yaml.safe_load(empty)


def test_results_of_an_earlier_audit_give_way_wherever_another_tool_put_them(
    folder: Path, record: AuditRecord, tmp_path: Path
) -> None:
    card = tmp_path / "README.md"
    card.write_text(OLD)
    write_card(folder, into=card)
    ModelCard.load(card).save(card)  # which joins results of the same task and data, and models
    results = [result for result in eval_results(record) if result.metric_type == "recall"]
    text = with_results(card.read_text(), results, model="m", path=card)
    card.write_text(text)
    assert [result.metric_type for result in mine(card)] == ["recall"]
    values = [result.metric_value for result in ModelCard.load(card).data.eval_results]
    assert [value for value in values if value in (0.91, 71, 0.5)] == [0.91, 71, 0.5]
    assert with_results(text, results, model="m", path=card) == text
    assert mine(card) == results


BROKEN = {
    "an end that is missing": ("---\nlicense: mit\n", "no second ---"),
    "no key at all": ("---\n---\ntext\n", "no second ---"),
    "YAML that is none": ("---\nlicense: [mit\n---\n", "is not YAML in its line"),
    "a list": ("---\n- license\n---\n", "must be keys with values"),
    "a number as key": ("---\n1: mit\n---\n", "must be keys with values"),
    "a key twice": ("---\nlicense: mit\nlicense: gpl\n---\n", "has the key 'license' twice"),
    "results twice": (
        OLD.replace("metrics:\n    - {type: dice", "metrics: []\n    metrics:\n    - {type: dice"),
        "twice",
    ),
    "results without a name": (
        "---\nmodel-index:\n- results: []\n---\n",
        "cannot be read by huggingface_hub",
    ),
    "results of text": ("---\nmodel-index: none\n---\n", "cannot be read by huggingface_hub"),
    "tags of a number": ("---\ntags: 3\n---\n", "cannot be read by huggingface_hub"),
    "an anchor in the results": (
        OLD.replace("{type: other, name: Their data}", "&d {type: other, name: Their data}", 1).replace(
            "library_name:   xaiaudit", "extra: *d"
        ),
        "cannot be changed alone",
    ),
    "braces": ("---\n{license: mit}\n---\n", "cannot be changed alone"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_front_matter_is_refused_in_one_line(case: str, folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(BROKEN[case][0])
    done = CliRunner().invoke(main, ["card", str(folder), "--into", str(card)])
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1
    assert BROKEN[case][1] in done.output
    assert card.read_text() == BROKEN[case][0]


@pytest.mark.parametrize("text", [f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"])
def test_marks_that_do_not_pair_are_refused(text: str, folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(text)
    done = CliRunner().invoke(main, ["card", str(folder), "--into", str(card)])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert card.read_text() == text


def a_card_of_others(tmp: Path) -> list[str]:
    (tmp / "README.md").write_text("# Theirs\n")
    return ["--out", str(tmp / "README.md")]


def not_text(tmp: Path) -> list[str]:
    (tmp / "README.md").write_bytes(b"\xff\xfe\x00")
    return ["--into", str(tmp / "README.md")]


@pytest.mark.parametrize(
    "options",
    [
        a_card_of_others,
        not_text,
        lambda tmp: ["--into", str(tmp / "none.md")],
        lambda tmp: ["--into", str(tmp)],
        lambda tmp: ["--into", str(tmp / "a.md"), "--out", str(tmp / "b.md")],
        lambda tmp: ["--out", str(tmp / "no folder" / "card.md")],
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(options: Any, folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["card", str(folder), *options(tmp_path)])
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert done.output.startswith("Error: ")


def test_the_command_writes_into_the_folder_and_again_the_same(folder: Path, tmp_path: Path) -> None:
    audit = shutil.copytree(folder, tmp_path / "audit")
    first = CliRunner().invoke(main, ["card", str(audit)])
    assert first.output == f"Card: {audit / 'card.md'}\n"
    written = (audit / "card.md").read_bytes()
    assert CliRunner().invoke(main, ["card", str(audit)]).exit_code == 0
    assert (audit / "card.md").read_bytes() == written


NASTY = "a|b *c* _d_ [e](http://f) <b>&amp; `g` ~~h~~ # $x$ \\ ![i](j) " + END + "\n```\n| k |"


def words_of(markdown: str) -> str:
    """What a reader sees, by an implementation of CommonMark with GitHub's tables."""
    inline = [
        token
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
        if token.type == "inline"
    ]
    assert all(
        c.type in ("text", "code_inline", "softbreak") for token in inline for c in token.children or []
    )
    return "\n".join("".join(c.content for c in token.children or []) for token in inline)


def test_foreign_text_is_shown_as_it_is() -> None:
    shown = NASTY.replace("\n", "\\u{a}")
    assert words_of(f"- {markup.text(NASTY)}") == shown
    assert words_of(markup.table(["x", "y"], [[markup.text(NASTY), "z"]], "ll")) == f"x\ny\n{shown}\nz"
    assert words_of(f"x {markup.code(NASTY)}") == f"x {shown}"
    assert words_of(markup.table(["x"], [[markup.code("a|b")]], "l")) == "x\na|b"
    (fence,) = MarkdownIt().parse(markup.block([NASTY, "two"]))
    assert fence.content == f"{shown}\ntwo\n"


@pytest.mark.parametrize("address", ["www.example.org", "WWW.example.org", "https://example.org"])
def test_no_address_becomes_a_link(address: str) -> None:
    """GitHub links what begins with www. or a scheme and ://; a backslash within keeps it from seeing that."""
    shown = markup.text(f"see {address} there")
    assert not re.search(r"www\.|://", shown, re.IGNORECASE)
    assert words_of(shown) == f"see {address} there"


def test_a_record_cannot_write_markup_or_marks_into_the_card(record: AuditRecord) -> None:
    checkpoint = record.checkpoint.model_copy(
        update={
            "path": f"/home/someone/{NASTY.replace('/', '')}.pt",
            "architecture": NASTY,
            "positive": NASTY,
        }
    )
    dataset = record.datasets[0].model_copy(update={"name": NASTY, "citation": NASTY, "selection": NASTY})
    attack = record.attacks[0].model_copy(update={"id": NASTY, "summary": NASTY})
    changed = record.model_copy(
        update={
            "checkpoint": checkpoint,
            "datasets": [dataset],
            "attacks": [attack],
            "warnings": [NASTY],
            "command": ["xaiaudit", "attack", NASTY],
        }
    )
    told = section(changed)
    assert "/home/someone" not in told
    card = with_results(with_section("", told, HERE), eval_results(changed), model=checkpoint.path, path=HERE)
    assert with_section(card, told, HERE) == card
    (result,) = {r.dataset_name for r in ModelCard(card).data.eval_results}
    assert result == NASTY
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(told)
    assert not {token.type for token in tokens} & {"html_block", "hr", "code_block"}
    assert "html_inline" not in {child.type for token in tokens for child in token.children or []}
    assert told.count("\n## ") == 0


def test_names_of_classes_and_questions_keep_their_letters_and_marks(record: AuditRecord) -> None:
    checkpoint = record.checkpoint.model_copy(update={"positive": "BI-RADS 5"})
    told = section(record.model_copy(update={"checkpoint": checkpoint, "warnings": ["swapped classes?"]}))
    assert "| Missed BI-RADS 5 | False BI-RADS 5 |" in told
    assert "- Warning: swapped classes?\n" in told
    names = {r.metric_name for r in eval_results(record.model_copy(update={"checkpoint": checkpoint}))}
    assert any(name.startswith("Missed BI-RADS 5 under") for name in names)


def test_no_torch_and_no_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any) -> None:
        raise AssertionError("a card asks nothing of a network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert mine(write_card(folder, out=tmp_path / "card.md"))
