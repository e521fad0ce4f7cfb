"""The pipeline, by running it: end to end, what an edit reruns, what is found."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cells import FIRST
from harness.pipeline import folder
from harness.plan import asked
from harness.plan.run import Run
from harness.registry import framework_names
from harness.run import records
from tests.conftest import ROOT, SMALL, command, overrides, snakemake, table

# One with an answer at the end and one that forecasts; tests/test_tasks.py goes through all.
TASKS = ["adding", "sine"]
# The gate of three frameworks takes longer than all of these runs; tests/test_implementations.py
# has its checks of every framework, and GATED the pipeline's way with it.
WHOLE = {
    "studies": "[glance]", "tasks": "[adding, sine]", "conformance": "false",
    "overrides": overrides(TASKS),
}  # fmt: skip
GATED = SMALL | {
    "frameworks": "[jax, pytorch]", "conformance": "true", "overrides": overrides(["adding"]),
}  # fmt: skip


def ran(results: Path, config: dict[str, str]) -> Path:
    done = snakemake(results, **config)
    assert done.returncode == 0, done.stdout + done.stderr
    (results / "stdout").write_text(done.stdout)
    return results


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Every framework and cell once on each default task, three steps; one natively too."""
    return ran(tmp_path_factory.mktemp("whole") / "results", WHOLE)


@pytest.fixture(scope="module")
def gated(tmp_path_factory) -> Path:
    """One cell in two frameworks, with the gate before the tables."""
    return ran(tmp_path_factory.mktemp("gated") / "results", GATED)


def test_every_combination_ends_well(whole):
    runs = table(whole, "runs")
    methods = len(framework_names()) * len(FIRST)
    assert (runs["track"] == "matched").sum() == len(TASKS) * methods
    assert (runs["track"] == "native").sum() == methods
    assert set(runs["status"]) == {"ok"}
    assert not runs["score"].isna().any()
    assert set(runs["steps"]) == {3}
    assert (runs["peak_rss_mb"] < 1500).all()
    wanted = (
        "task framework cell track seed status error parameters score baseline solved steps",
        "steps_to_solve train_seconds peak_rss_mb data_sha256",
    )
    wanted = " ".join(wanted).split()
    assert set(wanted) <= set(runs.columns)


def test_every_framework_sees_the_same_bytes_and_starts_alike(whole):
    found = [records.read(p) for p in (whole / "runs").glob("*.json")]
    for task in TASKS:
        mine = [r for r in found if r["task"] == task]
        assert len({json.dumps(r["data_sha256"]) for r in mine}) == 1
        for cell in FIRST:
            alike = [r for r in mine if r["cell"] == cell and r["track"] == "matched"]
            assert len({r["weights_sha256"]["initial"] for r in alike}) == 1
            scores = [r["score"] for r in alike]
            assert max(scores) - min(scores) <= 1e-4 * abs(max(scores))


def test_one_line_for_every_finished_run_and_where_the_results_are(whole):
    lines = (whole / "stdout").read_text().splitlines()
    runs = [line for line in lines if " seed 0: " in line]
    assert len(runs) == len(table(whole, "runs"))
    assert runs[-1].endswith(f"[{len(runs)}/{len(runs)}]")
    assert lines[-1] == f"Report: {whole / 'report.html'}"


def test_tables_hold_together(whole):
    runs, scores, curves = (table(whole, name) for name in ("runs", "scores", "curves"))
    assert len(scores) == len(runs)
    assert len(curves) == 2 * len(runs)
    tasks = table(whole, "tasks")
    assert sorted(tasks["task"]) == TASKS
    assert set(tasks["direction"]) <= {"lower", "higher"}
    cost = table(whole, "cost")
    assert cost["share"].sum() == pytest.approx(1, abs=0.01)
    assert {"training", "compile", "import", "data", "evaluation"} <= set(cost["phase"])


def test_the_gate_is_in_the_tables(gated):
    gate = table(gated, "conformance")
    assert set(gate["framework"]) == {"jax", "pytorch"}
    assert set(gate["dtype"]) == {"float32", "float64"}
    # 4 models in 2 types with 8 checks each, other losses, the article's model on both tracks.
    compared = gate[gate["check"] != "parameters of the article's model"]
    assert len(compared) == 2 * (4 * 2 * 8 + 16)
    failed = gate[~gate["passed"]]
    assert failed.empty, failed.to_string()
    assert table(gated, "scores")["comparable"].all()
    assert table(gated, "parameter_counts")["agrees"].all()
    assert "jax" in set(table(gated, "conformance_summary")["framework"])


def test_where_frameworks_part_is_in_the_tables(whole):
    parted = table(whole, "divergence")
    assert len(parted) == 3 * 3 * len(TASKS) * len(FIRST)
    assert parted["step"].isna().all(), "three steps are too few to part"


def test_the_folder_says_what_made_it(whole):
    made = yaml.safe_load((whole / "workflow" / "configuration.yaml").read_text())
    assert (made["studies"], made["overrides"]["adding"]["steps"]) == (["glance"], 3)
    about = (whole / "ro-crate-metadata.json").read_text()
    runs = len(table(whole, "runs"))
    assert f"{runs} of {runs} runs ended well" in about
    assert str(whole) not in about


def test_another_folder_is_set_beside_it(whole, gated):
    """Before the test that a second call does nothing, which holds after a comparison too."""
    done = snakemake(whole, "compare", other=gated, **WHOLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Compared with results: " in done.stdout
    assert "framework tensorflow: only here" in done.stdout
    rows = table(whole, "compare")
    losses = rows[rows["check"] == "losses"]
    assert list(losses["verdict"]) == ["same", "same"], "the same run twice, bit for bit"
    assert (gated / "compare.json").exists() is False
    assert "compare.json" in (whole / "ro-crate-metadata.json").read_text()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "compare: name the other results folder: snakemake --cores all compare --config oth"),
        ({"other": "nowhere"}, "--config: other: nowhere is no results folder: it has no runs.csv"),
    ],
)
def test_a_comparison_with_nothing_is_one_sentence(tmp_path, given, says):
    done = snakemake(tmp_path / "results", "compare", **SMALL, **given)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("track", ["matched", "native"])
@pytest.mark.parametrize("framework", framework_names())
def test_the_command_in_a_record_repeats_it_bit_for_bit(whole, tmp_path, framework, track):
    """By hand, without the preloader that carried out the pipeline's run."""
    task = "sine" if track == "native" else "adding"
    path = whole / "runs" / f"{task}-{framework}-gru-{track}-seed0.json"
    record = records.read(path)
    again = tmp_path / path.name
    words = [*record["command"].split(), "--record", str(again)]
    words[0] = sys.executable
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    repeated = records.read(again)
    for key in ("settings", "curve", "score", "data_sha256", "weights_sha256", "parameters"):
        assert repeated[key] == record[key], key


def test_a_second_call_does_nothing(whole):
    before = {p: p.stat().st_mtime_ns for p in (whole / "runs").iterdir()}
    done = snakemake(whole, **WHOLE)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in (whole / "runs").iterdir()}


def planned(clone: Path, config: dict[str, str]) -> set[str]:
    """The jobs of a dry run in ``clone``: rule, and for a run its task and framework.

    Those that only sum up the code that others stand on are left out.
    """
    words = command(Path("results"), "-n", "--quiet", "host", **config)
    done = subprocess.run(words, cwd=clone, capture_output=True, text=True, check=True)
    jobs, rule = set(), ""
    for line in done.stdout.splitlines() + done.stderr.splitlines():
        if line.startswith("rule "):
            rule = line.removeprefix("rule ").rstrip(":")
            if rule not in ("train", "code"):
                jobs.add(rule)
        elif line.strip().startswith("output:") and rule == "train":
            jobs.add("-".join(Path(line.split()[-1]).stem.split("-")[:2]))
    return jobs


def moved(results: Path, project: Path, config: dict[str, str]) -> None:
    """Take finished results to a copy, with what Snakemake knows of them under relative names."""
    shutil.rmtree(project / "results", ignore_errors=True)
    shutil.copytree(results, project / "results")
    touch(project, config)
    assert planned(project, config) == set()


def touch(project: Path, config: dict[str, str]) -> None:
    words = command(Path("results"), **config)
    touched = subprocess.run(
        [*words[:3], "--touch", "--forceall", *words[3:]],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert touched.returncode == 0, touched.stderr


def after_edit(name: str, project: Path, config: dict[str, str]) -> set[str]:
    """The jobs that an edit of a file asks for; the file is put back."""
    path = project / name
    original = path.read_text()
    comment = "<!-- x -->" if name.endswith(".html") else "# x"
    path.write_text(f"{original}\n{comment}\n")
    os.utime(path, (time.time() + 5, time.time() + 5))
    jobs = planned(project, config)
    path.write_text(original)
    os.utime(path, (1, 1))
    return jobs - {"all"}


PAGE = {"report", "crate"}
AFTER = {"tables", "published", "evidence", "insides_of_task", "insides"} | PAGE


def test_an_edit_reruns_what_depends_on_it_and_nothing_else(whole, project):
    moved(whole, project, WHOLE)

    def edit(name: str) -> set[str]:
        return after_edit(name, project, WHOLE)

    frameworks, tasks = framework_names(), TASKS
    assert edit("tasks/sine.py") == AFTER | {f"sine-{f}" for f in frameworks}
    # No run here has it; the look inside reads any cell.
    assert edit("cells/mgu.py") == {"insides_of_task", "insides", "evidence"} | PAGE
    assert edit("implementations/jax/model.py") == AFTER | {f"{t}-jax" for t in tasks}
    assert edit("analysis/inside/model.py") == {"insides_of_task", "insides", "evidence"} | PAGE
    assert edit("harness/run/streams.py") == AFTER | {f"{t}-{f}" for t in tasks for f in frameworks}
    assert edit("report/page.html") == {"report"}
    assert edit("analysis/tables/scores.py") == {"tables", "published", "evidence"} | PAGE
    assert edit("workflows/published.yaml") == {"published"} | PAGE
    assert edit("workflows/claims.yaml") == {"evidence"} | PAGE
    assert edit("harness/layout/tables.py") == AFTER | {"timing_tables"}
    assert edit("harness/commands/train.py") == set()


def test_an_edit_sends_what_it_touches_through_the_gate_again(gated, project):
    moved(gated, project, GATED)
    runs = {"adding-jax", "adding-pytorch"}
    assert after_edit("cells/network.py", project, GATED) == AFTER | {"conform"} | runs
    rules = after_edit("harness/conformance/textbook_rules.py", project, GATED)
    assert rules == AFTER - {"insides_of_task", "insides"} | {"conform"}
    jax = after_edit("implementations/jax/model.py", project, GATED)
    assert jax == AFTER | {"conform", "adding-jax"}


def test_products_from_the_future_are_kept_and_a_touch_lets_edits_be_seen(gated, project):
    """As a clock leaves them that was a day ahead when they were made."""
    moved(gated, project, GATED)
    for path in (p for p in (project / "results").rglob("*") if p.is_file()):
        at = path.stat().st_mtime_ns + 86400 * 10**9
        os.utime(path, ns=(at, at))
    assert planned(project, GATED) == set()
    touch(project, GATED)
    jobs = after_edit("tasks/adding.py", project, GATED)
    assert jobs >= {"adding-jax", "adding-pytorch", "tables"}


def test_another_kernel_or_memory_plans_nothing(gated, project, monkeypatch):
    """As after an update of the system: no job's parameters tell of the machine."""
    moved(gated, project, GATED)
    (project / "sitecustomize.py").write_text(
        "import platform, psutil\nplatform.platform = lambda *_, **__: 'another'\n"
        "psutil.virtual_memory = lambda: psutil._common.sdiskusage(9e9, 0, 0, 0)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(project))
    assert planned(project, GATED) == set()


def test_compiled_code_is_kept_by_the_processors_generation_alone(tmp_path, monkeypatch):
    about = {"generation": "model 1", "processor": "x", "system": "Linux 1", "memory_gb": 8.1}

    def place(**changed: object) -> Path:
        monkeypatch.setattr(folder.machine, "description", lambda: about | changed)
        return folder.cache(tmp_path, "jax")

    assert place() == place(system="Linux 2", memory_gb=8.0) != place(generation="model 2")


@pytest.mark.parametrize("words", [["--rulegraph"], ["--summary"]])
def test_what_only_looks_says_nothing_else_and_touches_nothing(tmp_path, words):
    results = tmp_path / "results"
    looked = snakemake(results, *words, **SMALL)
    assert looked.returncode == 0, looked.stderr
    assert not results.exists()
    lines = looked.stdout.splitlines()
    if words == ["--rulegraph"]:
        assert (lines[0], lines[-1].strip()) == ("digraph snakemake_dag {", "}")
    elif words == ["--d3dag"]:
        assert json.loads(looked.stdout)["nodes"]
    elif words == ["--list"]:
        assert set(lines) >= {"all", "train", "report"}
        assert all(line.isidentifier() for line in lines)
    else:
        assert {len(line.split("\t")) for line in lines} == {6}


def test_a_dry_run_is_the_plan_by_rule_and_count_and_names_what_is_made_again(whole, project):
    moved(whole, project, WHOLE)
    name = "adding-jax-gru-matched-seed0.json"
    (project / "results" / "runs" / name).write_text("{")
    before = sorted(project.joinpath("results").rglob("*"))
    words = command(Path("results"), "-n", **WHOLE)
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=True)
    assert f"Once more: results/runs/{name}: is not a readable record" in done.stderr
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert (counts["train"], counts["tables"]) == ("1", "1")
    assert "above" not in done.stdout
    assert sorted(project.joinpath("results").rglob("*")) == before


def test_the_workflow_is_read_without_a_number_of_cores(tmp_path):
    """As by a cluster's executor, which is given a number of jobs."""
    config = {"tasks": ["adding"], "frameworks": ["pytorch"], "results": str(tmp_path)}
    code = (
        "from pathlib import Path; from snakemake.api import *\n"
        "with SnakemakeApi(OutputSettings()) as api:\n"
        f"    flow = api.workflow(ResourceSettings(nodes=9), ConfigSettings(config={config}),\n"
        "        snakefile=Path('Snakefile'))\n"
        "    assert flow._workflow.resource_settings.cores is None\n"
        "    time, train = (flow._workflow.get_rule(name) for name in ('time', 'train'))\n"
        "    assert train.resources['mem_mb'] == 9000 and train.resources['runtime'] == 65\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_room_is_some_rules_code_and_every_rule_has_bounds():
    """But those that only carry a pipeline or a command out."""
    texts = [path.read_text() for path in (ROOT / "workflows").glob("*.smk")]
    named = {name for text in texts for call in re.findall(r"code_of\w*\(([^)]*)\)", text)
             for name in re.findall(r'"([^"{]+)"', call)}  # fmt: skip
    rooms = {str(path.parent.relative_to(ROOT)) for part in ("harness", "analysis", "cells")
             for path in (ROOT / part).rglob("__init__.py")}  # fmt: skip
    free = {"harness", "harness/commands", "harness/pipeline", "harness/plan"}
    assert {room for room in rooms - named - free if "templates" not in room} == set()
    for text in texts:
        for rule in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
            assert ("shell:" in rule) == ("resources:" in rule), rule


def test_a_new_file_is_in_the_next_plan(tmp_path, project, new_task):
    names = ["sine", new_task.stem]
    config = SMALL | {"tasks": f"[{', '.join(names)}]", "overrides": overrides(names)}
    results = tmp_path / "results"
    done = snakemake(results, root=project, **config)
    assert done.returncode == 0, done.stderr
    assert new_task.stem in set(table(results, "runs")["task"])
    assert new_task.stem in (results / "report.html").read_text()


def test_the_plan_is_read_back(tmp_path):
    run = Run("adding", "jax", "gru", "matched", 0)
    asked.write_plan(tmp_path, (run,), [])
    assert asked.read_plan(tmp_path)["runs"] == [run.name]
    assert asked.read_plan(tmp_path / "none")["runs"] == []


def test_snakemake_finds_nothing_to_lint():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    found = [line for line in (done.stderr + done.stdout).splitlines() if line[:6] == "    * "]
    # There is one environment for the whole workflow, in which Snakemake itself runs.
    wrong = "    * Specify a conda environment or container for each rule.:"
    assert set(found) <= {wrong}, done.stderr + done.stdout
