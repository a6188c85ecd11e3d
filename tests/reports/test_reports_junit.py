"""junit.xml as the places that read it want it."""

from pathlib import Path
from xml.etree import ElementTree as ET

import example_verdict as example
import pytest

from xaiaudit.reports.junit import junit
from xaiaudit.reports.reading import read_record

# What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows and asks for; Ant's asks for host and times too.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"failure", "error", "system-out"},
    "failure": set(),
    "error": set(),
    "system-out": set(),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "property": {"name", "value"},
    "testcase": {"classname", "name"},
    "failure": {"type"},
    "error": {"type"},
}


def written(folder: Path, findings: list[example.Finding], **changes: object) -> ET.Element:
    return ET.fromstring(junit(example.verdict(folder, findings, **changes), read_record(folder)))


@pytest.mark.parametrize("counts", [(3, 2, 1), (1, 0, 0), (0, 0, 2), (0, 1, 0)])
def test_counts_and_structure_are_those_of_junit(folder: Path, counts: tuple[int, int, int]) -> None:
    _, failed, not_assessed = counts
    root = written(folder, example.mixed(*counts))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
    (suite,) = root
    assert suite[0].tag == "properties"
    found = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
    assert found == {"tests": sum(counts), "failures": failed, "errors": not_assessed, "skipped": 0}
    assert len(suite.findall("testcase")) == found["tests"]
    assert len(suite.findall("testcase/failure")) == failed
    errors = suite.findall("testcase/error")
    assert [error.get("type") for error in errors] == ["not assessed"] * not_assessed
    assert suite.get("timestamp") == "2026-11-20T14:05:00"


def test_a_case_names_policy_finding_words_and_line(folder: Path) -> None:
    (suite,) = written(folder, [example.finding(1, "failed", kind="regression", words="worse by 3 points")])
    (case,) = suite.findall("testcase")
    assert case.attrib == {"classname": "ci/xaiaudit.toml", "name": "flip-rate/fgsm/1"}
    (failure,) = case
    assert failure.attrib == {"message": "worse by 3 points", "type": "regression"}
    assert failure.text == "worse by 3 points\nci/xaiaudit.toml, line 11"


def test_properties_say_which_files_were_judged(folder: Path) -> None:
    (suite,) = written(folder, example.mixed())
    found = {item.get("name"): item.get("value") for item in suite.iter("property")}
    record = read_record(folder)
    assert found["checkpoint_sha256"] == record.checkpoint.sha256
    assert found["audit_sha256"] == example.verdict(folder, []).audit_sha256
    assert found["policy_sha256"] == "ab" * 32
    assert found["baseline_checkpoint_sha256"] == "cd" * 32
    (suite,) = written(folder, example.mixed(), baseline=None)
    assert not [item for item in suite.iter("property") if item.get("name", "").startswith("baseline")]


def test_no_character_breaks_it(folder: Path) -> None:
    hostile = example.finding(1, "failed", name=example.HOSTILE, words=example.HOSTILE)
    (suite,) = written(folder, [hostile], notes=[example.HOSTILE])
    (case,) = suite.findall("testcase")
    assert case.get("name") == f"{example.SHOWN}/1"
    assert case[0].get("message") == example.SHOWN
    assert suite.findtext("system-out") == example.SHOWN
    everything = "".join(map(chr, [*range(0x300), *range(0xD7F0, 0xE010), *range(0xFFF0, 0x10010)]))
    (suite,) = written(folder, [], notes=[everything])
    assert "\\u{ffff}" in (suite.findtext("system-out") or "")


def test_the_same_verdict_gives_the_same_bytes(folder: Path) -> None:
    made, record = example.verdict(folder, example.mixed()), read_record(folder)
    assert junit(made, record) == junit(made, record)
