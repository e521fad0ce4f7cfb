"""What people and archives find in the repository: versions, CI, the issue form, the citation."""

import re
import tomllib

import yaml

from harness import machine
from tests.conftest import ROOT


def read(name: str):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_version_is_the_same_wherever_it_stands():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = read("CITATION.cff")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## ([\d.]+), (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE)
    assert newest[1] == about["version"] == machine.gatebench() == citation["version"]
    assert newest[2] == str(citation["date-released"])


def test_an_archive_finds_what_it_needs():
    citation = read("CITATION.cff")
    needed = {
        "cff-version",
        "message",
        "title",
        "abstract",
        "type",
        "authors",
        "license",
        "keywords",
    }
    assert needed <= set(citation)
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["license"] == about["license"]
    assert set(about["keywords"]) == set(citation["keywords"])


def test_ci_does_what_one_does_by_hand_and_keeps_the_quick_report():
    jobs = read(".github/workflows/ci.yml")["jobs"]
    steps = {name: job["steps"] for name, job in jobs.items()}
    commands = [step["run"] for job in steps.values() for step in job if "run" in step]
    assert {".ci/run", "make quick", "make site"} <= set(commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in (one.split()[1] for one in commands if one.startswith("make ")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    (kept,) = (step for step in steps["quick"] if "upload-artifact" in step.get("uses", ""))
    assert "results/quick/report.html" in kept["with"]["path"]
    # The versions of what others wrote are named, and CI may write nothing.
    used = [step["uses"] for job in steps.values() for step in job if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in used)
    assert read(".github/workflows/ci.yml")["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in jobs.values())


def test_the_issue_form_asks_for_machine_command_and_last_lines():
    fields = {one["id"]: one for one in read(".github/ISSUE_TEMPLATE/problem.yml")["body"]}
    for name in ("machine", "command", "output"):
        assert fields[name]["validations"]["required"]


def test_the_workflow_catalog_finds_the_words_that_it_looks_for():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake workflow" in readme
    assert (ROOT / "Snakefile").exists()
    usage = read(".snakemake-workflow-catalog.yml")["usage"]
    assert usage["report"]
    # There is no conda directive and no container for Snakemake to use.
    parts = [ROOT / "Snakefile", *(ROOT / "workflows").glob("*.smk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in parts)
    for way, works in usage["software-stack-deployment"].items():
        assert works == bool(re.search(rf"^\s+({way}|container):", text, re.MULTILINE)), way


def test_contributing_is_one_screen():
    lines = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 45
    assert any("python -m analysis contribute" in line for line in lines)
