"""junit.xml: one test case a finding, for the places where CI shows tests (Jenkins, GitLab, Azure and others)."""

from xml.etree import ElementTree as ET

from xaiaudit.gate_record import Finding, Verdict
from xaiaudit.records import AuditRecord
from xaiaudit.reports import format as f
from xaiaudit.reports.detection_words import lesions_found
from xaiaudit.reports.plain import plain


def junit(verdict: Verdict, record: AuditRecord) -> bytes:
    """The verdict as JUnit XML in UTF-8, the same bytes for the same verdict.

    A finding that failed is a `failure`. One that could not be assessed is an `error` of type "not assessed": no test
    was made, and a CI that meets `skipped` in its place would let the checkpoint pass. There are no times: a finding
    is judged, not run.
    """
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", _suite(verdict, record))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(verdict, record).items():
        ET.SubElement(properties, "property", {"name": name, "value": plain(value)})
    for finding in verdict.findings:
        _case(suite, verdict, finding)
    if verdict.notes:
        ET.SubElement(suite, "system-out").text = "\n".join(plain(note) for note in verdict.notes)
    ET.indent(root, " ")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(verdict: Verdict, record: AuditRecord) -> dict[str, str]:
    statuses = [finding.status for finding in verdict.findings]
    return {
        "name": "xaiaudit",
        "tests": str(len(statuses)),
        "failures": str(statuses.count("failed")),
        "errors": str(statuses.count("not assessed")),
        "skipped": "0",
        "timestamp": f"{f.moment(record.created):%Y-%m-%dT%H:%M:%S}",  # of the audit, UTC
    }


def _properties(verdict: Verdict, record: AuditRecord) -> dict[str, str]:
    found = {
        "verdict": verdict.verdict,
        "xaiaudit": verdict.xaiaudit,
        "checkpoint": record.checkpoint.path,
        "checkpoint_sha256": record.checkpoint.sha256,
        "audit_sha256": verdict.audit_sha256,
        "policy": verdict.policy.path,
    }
    if verdict.policy.sha256 is not None:
        found["policy_sha256"] = verdict.policy.sha256
    if verdict.baseline is not None:
        found["baseline_checkpoint"] = verdict.baseline.checkpoint
        found["baseline_checkpoint_sha256"] = verdict.baseline.checkpoint_sha256
        found["baseline_audit_sha256"] = verdict.baseline.audit_sha256
    if (lesions := lesions_found(record)) is not None:
        found["lesions_found"] = lesions
    return found


def _case(suite: ET.Element, verdict: Verdict, finding: Finding) -> None:
    policy = plain(verdict.policy.path)
    case = ET.SubElement(suite, "testcase", {"classname": policy, "name": plain(finding.id)})
    lines = [plain(finding.words)]
    if finding.sample is not None:
        lines.append(plain(finding.sample.words))
    if finding.line is not None:
        lines.append(f"{policy}, line {finding.line}")
    if finding.status == "passed":
        ET.SubElement(case, "system-out").text = "\n".join(lines)
        return
    tag, kind = ("failure", finding.kind) if finding.status == "failed" else ("error", finding.status)
    ET.SubElement(case, tag, {"message": lines[0], "type": kind}).text = "\n".join(lines)
