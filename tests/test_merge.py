"""Folders put together: as if one machine had made all of it, or one sentence on why not."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import evidence_tables
from analysis.folders import merge as merging
from analysis.folders.merge import merge
from analysis.speed import stage as speed
from analysis.tables import stage
from harness import layout
from harness.errors import UserError
from harness.pipeline import folder as taking
from harness.plan import asked
from harness.run import records
from report import answers
from report import tables as reading
from report.sections import provenance
from report.sections import speed as sections
from tests.conftest import table
from tests.test_configuration import load
from tests.test_report import checked, record
from tests.test_timing import made

TINY = {"name": "tiny", "batch": 4, "sequence_length": 3, "input_size": 2, "hidden": 4, "layers": 1}
ABOUT = {"generation": "family 1", "cores": 2, "memory_gb": 8.0, "system": "Linux"}


def fill(
    path: Path, shard: str = "", machine: str = "A", clock: bool = False,
    pace=lambda method: 1.0, **changes: object,
) -> Path:  # fmt: skip
    """A folder as the pipeline leaves it, with made-up records that hang on the run alone."""
    given = {"studies": ["cells"], "tasks": ["adding"], "seeds": [0, 1, 2, 3], "shard": shard}
    timing = load(path).resolved["timing"] | {"shapes": [TINY], "sweeps": [], "phases": ["step"]}
    loaded = load(path, **given | {"timing": timing, "frameworks": ["pytorch"]} | changes)
    for run in loaded.runs:
        score = 1e-3 * (1 + run.seed) * len(run.cell)
        found = record(run, score) | {
            "settings": loaded.settings_of(run).as_dict(), "git_commit": "0" * 40,
            "versions": {"python": "3.11.7", "torch": "2.13.0"},
            "machine": ABOUT | {"processor": machine},
        }  # fmt: skip
        records.write(run.path(path), found)
        losses = np.float32(np.linspace(1, score, 16))
        records.write_arrays(run.path(path), {}, {}, {"losses": losses, "gradient_norms": losses})
        logs = path / "logs"
        logs.mkdir(exist_ok=True)
        (logs / f"{run.name}.log").write_text(f"{run.title}\n")
    rows = [checked("pytorch", "gru", "forward", 1e-16 * len(machine))]
    (path / "conformance").mkdir(exist_ok=True)
    pd.DataFrame(rows).assign(machine=machine).to_csv(
        path / "conformance" / "pytorch.csv", index=False
    )
    if clock:
        (plan,) = loaded.campaigns
        plan = replace(plan, processes=2, rounds=2, most_processes=0)
        made(path, plan, lambda method, *_: pace(method), machine=machine)
    about = {"shard": shard, "configuration": loaded.resolved, "code": asked.code()}
    asked.write_plan(path, loaded.runs, [], True, (), loaded.studies, about)
    return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> list[Path]:
    """Three parts, each of another machine."""
    home = tmp_path_factory.mktemp("parts")
    return [fill(home / name, f"{n}/3", name) for n, name in enumerate("ABC", start=1)]


def tables(path: Path, monkeypatch) -> dict[str, str]:
    monkeypatch.setattr(stage.tasks, "classical", lambda found: [])
    stage.write(path)
    return {name: layout.path(path, name).read_text() for name in layout.names("tables")}


def content(path: Path) -> dict[str, bytes]:
    """What lies in a folder, but for the lock and the time of the plan."""
    files = (file for file in path.rglob("*") if file.is_file() and file.name != ".lock")
    found = {str(file.relative_to(path)): file.read_bytes() for file in files}
    if "plan.json" in found:
        found["plan.json"] = json.dumps(json.loads(found["plan.json"]) | {"started": 0}).encode()
    return found


def test_three_parts_make_the_tables_of_the_whole(tmp_path, monkeypatch):
    whole = fill(tmp_path / "whole")
    parts = [fill(tmp_path / f"part{n}", f"{n}/3") for n in (1, 2, 3)]
    before = [content(part) for part in parts]
    found = merge(parts, tmp_path / "merged")
    assert (found.missing, found.runs) == ([], len(list((whole / "runs").glob("*.json"))))
    assert tables(tmp_path / "merged", monkeypatch) == tables(whole, monkeypatch)
    assert [content(part) for part in parts] == before
    turned = tmp_path / "turned"
    merge([*reversed(parts), parts[0]], turned)  # and one of them twice
    merge(parts, turned)  # and all of it once more
    mine = content(turned)
    assert mine == {name: content(tmp_path / "merged")[name] for name in mine}
    kept = asked.read_plan(tmp_path / "merged")
    assert kept["shard"] == ""
    assert len(list((turned / "logs").iterdir())) == found.runs


def test_every_run_and_check_keeps_its_machine(parts, tmp_path, monkeypatch):
    merge(parts, tmp_path / "merged")
    tables(tmp_path / "merged", monkeypatch)
    runs = table(tmp_path / "merged", "runs").merge(
        table(tmp_path / "merged", "machines"), on="machine"
    )
    for part in parts:
        mine = {path.stem for path in (part / "runs").glob("*.json")}
        named = runs["task"] + "-" + runs["framework_x"] + "-" + runs["cell"] + "-" + runs["track"]
        here = runs[(named + "-seed" + runs["seed"].astype(str)).isin(mine)]
        assert set(here["processor"]) == {part.name}
    assert sorted(table(tmp_path / "merged", "conformance")["machine"]) == ["A", "B", "C"]


def test_two_machines_that_timed_the_same_stand_apart(tmp_path):
    parts = [fill(tmp_path / name, f"{n}/2", name, clock=True) for n, name in ((1, "A"), (2, "B"))]
    for order in (parts, parts[::-1]):
        results = tmp_path / f"merged{order[0].name}"
        assert merge(order, results).campaigns == 2
        speed.write(results, ["tiny"])
        for name in ("timing", "speed_ratios"):
            rows = table(results, name)
            assert set(rows["machine"]) == {f"{name} (family 1), 2 cores" for name in "AB"}
            key = [c for c in ("machine", "shape", "kind", "numerator", "denominator",
                               "framework", "kernel", "cell", "phase") if c in rows]  # fmt: skip
            assert not rows.duplicated(key).any()
    assert content(tmp_path / "mergedA") == content(tmp_path / "mergedB")
    # The clock must not seem older than the checks that it needs, or it would be done anew.
    checks = (results / "conformance" / "pytorch.csv").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns >= checks for path in (results / "timing").glob("*.json"))
    again = fill(tmp_path / "again", "1/2", "B", clock=True)
    about = json.loads((again / "timing" / "tiny.json").read_text())
    (again / "timing" / "tiny.json").write_text(json.dumps(about | {"campaign": "another"}))
    samples = (again / "timing" / "tiny.csv").read_text()
    (again / "timing" / "tiny.csv").write_text(samples.replace("made,", "another,"))
    with pytest.raises(
        UserError, match=r"again/timing/tiny\.json: times once more what .*B/timing"
    ):
        merge([parts[1], again], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def changed(path: Path, name: str, **values: object) -> str:
    """A record of a folder with other values; its name."""
    file = sorted((path / "runs").glob(f"*{name}*.json"))[0]
    file.write_text(json.dumps(records.read(file) | values))
    return file.name


def plan(path: Path, **values: object) -> None:
    (path / "plan.json").write_text(json.dumps(asked.read_plan(path) | values))


def damaged(path: Path) -> None:
    sorted((path / "runs").glob("*.json"))[0].write_text("{")


def stopped(path: Path) -> None:
    row = checked("pytorch", "gru", "process", 1.0, "out of memory")
    pd.DataFrame([row]).to_csv(path / "conformance" / "pytorch.csv", index=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: plan(p, configuration=asked.read_plan(p)["configuration"] | {"seeds": [7]}),
         "{b}: was asked for something else than {a}: seeds is [7] there and [0, 1, 2, 3] here;"),
        (lambda p: plan(p, code="0" * 64), "{b}: was made by another version of the code than {a}"),
        (lambda p: changed(p, "lstm", versions={"python": "3.11.7", "torch": "2.12.0"}),
         "was made with torch 2.12.0, and {a}/runs/"),
        (lambda p: (p / "plan.json").unlink(), "{b}: has no plan.json, so it is no folder of"),
        (lambda p: plan(p, configuration={}), "{b}/plan.json: does not say what was asked for;"),
        (damaged, "in {b} the same command makes it again."),
        (stopped, "{b}/conformance/pytorch.csv: the check was stopped (out of memory); in {b}"),
        (shutil.rmtree, "{b}: is no folder; name results folders to put together."),
    ],
    ids=["settings", "code", "packages", "no plan", "old plan", "damaged", "stopped", "no folder"],
)  # fmt: skip
def test_what_does_not_belong_together_is_one_sentence(parts, tmp_path, change, says):
    b = shutil.copytree(parts[1], tmp_path / "b")
    change(b)
    with pytest.raises(UserError) as error:
        merge([parts[0], b], tmp_path / "merged")
    assert says.format(a=parts[0], b=b) in str(error.value)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "merged").exists()


def test_a_run_that_is_there_twice_must_be_the_same_but_a_failed_one_gives_way(parts, tmp_path):
    b = shutil.copytree(parts[0], tmp_path / "b")
    name = changed(b, "lstm", score=0.25)
    with pytest.raises(UserError) as error:
        merge([parts[0], b], tmp_path / "merged")
    first = f"{b}/runs/{name}: differs from {parts[0]}/runs/{name}, which is of the same run;"
    assert str(error.value).startswith(first)
    changed(b, "lstm", score=None, solved=None, status="failed", reason="the node went down")
    for order in ([parts[0], b], [b, parts[0]]):
        results = tmp_path / f"merged-{order[0].name}"
        merge(order, results)
        assert records.read(results / "runs" / name)["status"] == "ok"
    (b / "runs" / name).with_suffix(".npz").unlink()
    shutil.copy(parts[0] / "runs" / name, b / "runs" / name)
    merge([b, parts[0]], tmp_path / "weights")
    assert (tmp_path / "weights" / "runs" / name).with_suffix(".npz").exists()


def test_what_a_killed_pipeline_was_to_make_again_is_left_out(parts, tmp_path):
    b = shutil.copytree(parts[0], tmp_path / "b")
    name = sorted(path.stem for path in (b / "runs").glob("*.json"))[0]
    plan(b, todo=[name], started=2e9)
    assert name in merge([b], tmp_path / "merged").missing
    assert not (tmp_path / "merged" / "runs" / f"{name}.json").exists()


@pytest.mark.parametrize("what", ["notes", "run", "configuration", "source", "project"])
def test_a_target_that_holds_something_else_is_left_as_it_is(parts, tmp_path, what):
    results, says = tmp_path / "merged", "name an empty or a new folder with --results."
    results.mkdir()
    if what == "notes":
        (results / "thesis.tex").write_text("mine")
    elif what == "run":
        shutil.copytree(parts[2], results, dirs_exist_ok=True)
    elif what == "configuration":
        shutil.copytree(parts[0], results, dirs_exist_ok=True)
        plan(results, configuration={"seeds": [7]})
    elif what == "source":
        results, says = parts[1], "is one of the folders that are put together;"
    else:
        results, says = Path("docs"), "is a part of the project; choose another folder."
    before = content(results)
    with pytest.raises(UserError) as error:
        merge(parts[:2], results)
    assert says in str(error.value)
    # The lock holds the number of this process.
    assert content(results) == before


def test_two_merges_at_once_into_one_folder_do_not_mix(parts, tmp_path):
    results = tmp_path / "merged"

    def put(sources: list[Path]) -> str:
        try:
            merge(sources, results)
        except UserError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor() as pool:
        said = list(pool.map(put, [parts[:2], parts[2:]]))
    assert sorted(map(bool, said)) == [False, True]
    (refused,) = filter(None, said)
    assert "another pipeline" in refused or "a run that none of the folders has" in refused
    mine = parts[2:] if said[0] else parts[:2]
    wanted = {path.name for part in mine for path in (part / "runs").glob("*")}
    assert {path.name for path in (results / "runs").glob("*")} == wanted
    with taking.taken(results):
        assert f"{results}: another pipeline (process " in put(mine)
    assert put(mine) == ""


def test_a_merge_that_was_stopped_goes_on(parts, tmp_path, monkeypatch):
    results, put = tmp_path / "merged", merging._put
    left = iter(range(7))

    def stop(*words: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        put(*words)

    with monkeypatch.context() as patch:
        patch.setattr(merging, "_put", stop)
        with pytest.raises(KeyboardInterrupt):
            merge(parts, results)
    # Half of it is no folder to take results from.
    with pytest.raises(UserError, match=r"has no plan\.json"):
        merge([results], tmp_path / "other")
    merge(parts, results)
    merge(parts, tmp_path / "whole")
    assert content(results) == content(tmp_path / "whole")


def test_the_page_shows_two_machines_apart(tmp_path, monkeypatch):
    """On one JAX is twice as fast, on the other PyTorch: an average would call it even."""
    parts = [
        fill(
            tmp_path / name, f"{n}/2", name, clock=True, frameworks=["jax", "pytorch"], seeds=[0],
            cells=["lstm", "gru"], pace=lambda method, fast=fast: 1 + (method.framework != fast),
        )
        for n, name, fast in ((1, "A", "jax"), (2, "B", "pytorch"))
    ]  # fmt: skip
    results = tmp_path / "merged"
    merge(parts, results)
    tables(results, monkeypatch)
    speed.write(results, ["tiny"])
    evidence_tables.write(results)
    page = reading.read(results)
    text = answers.framework(page).text
    assert re.search(r"On A, 2 cores: JAX trains .* On B, 2 cores: PyTorch trains", text), text
    assert "too close" not in text
    content = sections.content(page)
    names = {f"tiny on {name} (family 1), 2 cores" for name in "AB"}
    assert {part["name"] for part in content["shapes"]} == names
    for part in content["shapes"]:
        lines = {row["framework"]: row["median_ms"] for row in part["lines"]}
        fast = "jax" if "on A" in part["name"] else "pytorch"
        assert {name: round(ms) for name, ms in lines.items()} == {
            "jax": 1 + (fast != "jax"), "pytorch": 1 + (fast != "pytorch"),
        }  # fmt: skip
    about = provenance.of(page)["machines"]
    assert [name.partition(",")[0] for name in sorted(about)] == ["A", "B"]
    assert all(name.endswith((" runs", " run")) for name in about)
    cases = table(results, "cases")
    cases = cases[cases["claim"] == "gru-steps-faster"]
    assert cases["case"].str.extract(r"tiny ([AB]) ")[0].value_counts().to_dict() == {
        "A": 2,
        "B": 2,
    }


def test_seconds_of_training_are_those_of_one_machine(parts, tmp_path, monkeypatch):
    slow = shutil.copytree(parts[2], tmp_path / "C")
    for path in (slow / "runs").glob("*.json"):
        found = records.read(path)
        found["seconds"] = {name: 1000 * value for name, value in found["seconds"].items()}
        path.write_text(json.dumps(found))
    merge([*parts[:2], slow], tmp_path / "merged")
    tables(tmp_path / "merged", monkeypatch)
    runs = table(tmp_path / "merged", "runs")
    assert runs["train_seconds"].max() > 1000
    seconds = table(tmp_path / "merged", "curves_summary")["seconds"]
    assert seconds.max() < 100
    found = evidence_tables.read(tmp_path / "merged")["runs"]
    counts = runs["machine"].value_counts()
    assert found["train_seconds"].notna().sum() == counts.max()
    assert found["score"].notna().all()
