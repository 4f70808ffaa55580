"""CodeBuild's reports: what JUnit's and Cobertura's files say of a build.

https://docs.aws.amazon.com/codebuild/latest/userguide/test-reporting.html
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from sandbox.core import access
from sandbox.core.wire import AwsError

if TYPE_CHECKING:
    from sandbox.codebuild import Build, CodeBuild

Report = dict[str, Any]
COVERAGE = {"COBERTURAXML"}
TESTS = {"JUNITXML"}
NANO = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Found:
    """The files of one report."""

    format: str
    files: dict[str, bytes]


def keep(state: CodeBuild, build: Build, role: access.Principal, found: dict[str, Found]) -> None:
    """A report of each group whose files are there, under the build's role."""
    for name, one in found.items():
        arn = name if name.startswith("arn:") else state.arn("codebuild", f"report-group/{build['projectName']}-{name}")
        for action in ("CreateReportGroup", "CreateReport", "BatchPutTestCases" if one.format in TESTS else "BatchPutCodeCoverages"):
            if not access.allowed(role, f"codebuild:{action}", arn):
                raise AwsError("AccessDeniedException", access.refusal(role, f"codebuild:{action}", arn))
        if one.files and one.format in TESTS | COVERAGE:
            now, kind = state.clock.now(), "TEST" if one.format in TESTS else "CODE_COVERAGE"
            group = {"arn": arn, "name": arn.rpartition("/")[2], "type": kind, "created": now, "status": "ACTIVE"}
            state.groups.setdefault(arn, {**group, "exportConfig": {"exportConfigType": "NO_EXPORT"}})
            report = {
                "arn": f"{arn.replace(':report-group/', ':report/')}:{uuid.uuid4()}",
                "reportGroupArn": arn,
                "type": kind,
                "executionId": build["arn"],
                "created": now,
                **(tests(one.files) if kind == "TEST" else coverage(one.files)),
            }
            for case in report.get("cases", []):
                case["reportArn"] = report["arn"]
            state.reports[report["arn"]] = report
            build.setdefault("reportArns", []).append(report["arn"])


def tests(files: dict[str, bytes]) -> Report:
    """The summary and the cases of JUnit's files."""
    cases = [case(path, element) for path, body in files.items() for element in ET.fromstring(body).iter("testcase")]  # noqa: S314 a build's own
    counts = {status: sum(one["status"] == status for one in cases) for status in ("SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN")}
    summary = {"total": len(cases), "statusCounts": counts, "durationInNanoSeconds": sum(one["durationInNanoSeconds"] for one in cases)}
    status = "FAILED" if counts["FAILED"] or counts["ERROR"] else "SUCCEEDED"
    return {"status": status, "testSummary": summary, "cases": cases}


def case(path: str, element: ET.Element) -> dict[str, Any]:
    kinds = {"failure": "FAILED", "error": "ERROR", "skipped": "SKIPPED"}
    bad = next((child for child in element if child.tag in kinds), None)
    return {
        "testRawDataPath": path,
        "prefix": element.get("classname", ""),
        "name": element.get("name", ""),
        "status": kinds[bad.tag] if bad is not None else "SUCCEEDED",
        "durationInNanoSeconds": int(float(element.get("time", 0)) * NANO),
        "message": (bad.get("message", "") if bad is not None else ""),
    }


def coverage(files: dict[str, bytes]) -> Report:
    """The sums of Cobertura's files."""
    roots = [ET.fromstring(body) for body in files.values()]  # noqa: S314 a build's own
    summary: dict[str, Any] = {}
    for kind, valid, covered in (("line", "lines-valid", "lines-covered"), ("branch", "branches-valid", "branches-covered")):
        whole, hit = (sum(int(root.get(name, 0)) for root in roots) for name in (valid, covered))
        noun = "lines" if kind == "line" else "branches"
        summary |= {f"{noun}Covered": hit, f"{noun}Missed": whole - hit, f"{kind}CoveragePercentage": 100 * hit / whole if whole else 100.0}
    return {"status": "SUCCEEDED", "codeCoverageSummary": summary}
