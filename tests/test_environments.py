"""Environments: what a configuration says of them, how they are made, and what runs inside."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.tables import environments as table
from harness import environment, registry
from harness.clock import campaign, course
from harness.errors import UserError
from harness.pipeline import environments as making
from harness.plan import asked, configuration, environments
from harness.plan.campaigns import campaign_from
from harness.plan.environments import Environment
from harness.run import records
from tasks import _handed
from tests.conftest import ROOT, SMALL, TINY, snakemake
from tests.fakes import PLAN
from tests.test_configuration import default, load

OLD = {"jax 0.4.31": ["jax==0.4.31", "jaxlib==0.4.31"]}
# The same packages by another name: what calls itself otherwise is another interpreter.
OTHER = str(Path(sys.prefix) / "bin" / "python3")

# What uv says in its two styles; each with a sentence's words.
SAYS = {
    "error: No solution found when resolving dependencies\n  cause: Because there is no version of "
    "jax==9.9 and you require jax==9.9, we can conclude that your requirements are unsatisfiable.":
    "its requirements cannot be met (there is no version of jax==9.9 and you require jax==9.9); "
    "name others",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because only jax<=0.10 is "
    "available\n      and you require jax==9.9, we can conclude that your requirements are "
    "unsatisfiable.":
    "its requirements cannot be met (only jax<=0.10 is available and you require jax==9.9); "
    "name others",
    "error: Failed to fetch: http://127.0.0.1:9/simple/jax/\n  cause: error sending request":
    "its packages cannot be fetched, as nothing answers; connect this machine to the network, or "
    "name an interpreter by python: PATH",
    "error: No solution found when resolving dependencies\n  cause: Because jax was not found in "
    "the cache, we can conclude that your requirements are unsatisfiable.\n\nhint: Packages were "
    "unavailable because the network was disabled.":
    "its packages cannot be fetched, as nothing answers; connect this machine to the network, or "
    "name an interpreter by python: PATH",
    "error: Failed to parse: `jax=0.4`\n  cause: no such comparison operator":
    "uv cannot install it (Failed to parse: `jax=0.4`: no such comparison operator); its log has "
    "all that uv says",
}  # fmt: skip

# Makes an environment of the tests' own packages, and fails where a requirement says so.
FAKE_UV = f"""#!/bin/sh
echo "$@" >> "$0.log"
for word; do last=$word; done
case "$*" in
*==9.9*) echo 'Because there is no version of it, we can conclude that.' >&2; exit 1;;
venv*)
    folder=$(echo "$*" | sed 's/ --quiet//; s/.* //')
    mkdir -p "$folder/bin" && cp {sys.prefix}/pyvenv.cfg "$folder"
    ln -s {sys.prefix}/lib "$folder/lib"
    ln -s {os.path.realpath(sys.executable)} "$folder/bin/python";;
pip*freeze*) echo numpy==1;;
esac
"""


@pytest.fixture
def uv(tmp_path, monkeypatch) -> Path:
    """A uv that installs nothing; the environments it makes are the test's own."""
    path = tmp_path / "uv"
    path.write_text(FAKE_UV)
    path.chmod(0o755)
    monkeypatch.setenv("UV", str(path))
    monkeypatch.setenv(environments.VARIABLE, str(tmp_path / "made"))
    return path


def entry(framework: str, name: str, **more: str) -> dict[str, str]:
    return {"framework": framework, "environment": name, **more}


def test_an_entry_has_a_label_that_is_a_name_of_its_implementation(tmp_path):
    found = load(
        tmp_path, environments=OLD | {"mine": {"python": sys.executable}},
        studies=["glance"], tracks=["matched"],
        frameworks=["jax", entry("jax", "jax 0.4.31"), entry("pytorch", "mine"),
                    {"framework": "pytorch", "device": "gpu"}],
        kernels={"pytorch": {"gru": "equations"}, "pytorch_gpu": {"gru": "stock"}},
    )  # fmt: skip
    labels = {"jax", "jax_0_4_31", "pytorch_mine", "pytorch_gpu"}
    assert labels == {run.framework for run in found.runs} == set(found.frameworks)
    assert {registry.implementation(name) for name in labels} == {"jax", "pytorch"}
    its = registry.framework("jax_0_4_31")
    assert (its.name, its.folder, its.packages) == (
        "jax_0_4_31",
        "jax",
        found.frameworks["jax"].packages,
    )
    by_label = {run.framework: found.settings_of(run) for run in found.runs if run.cell == "gru"}
    files = {name: settings.environment for name, settings in by_label.items()}
    assert not files["jax"]
    assert not files["pytorch_gpu"]
    assert files["jax_0_4_31"].startswith(".environments/jax_0_4_31-")
    assert {name: one.kernel for name, one in by_label.items() if "pytorch" in name} == {
        "pytorch_mine": "equations", "pytorch_gpu": "stock"
    }  # fmt: skip
    assert [name for name, one in by_label.items() if one.device == "gpu"] == ["pytorch_gpu"]
    # A campaign is on one device, and only there are its methods compared.
    methods = {one.name: {m.framework for m in one.methods} for one in found.campaigns}
    assert methods["reference"] == labels - {"pytorch_gpu"}
    assert methods["reference_gpu"] == {"pytorch_gpu"}
    timed = next(one for one in found.campaigns if one.name == "reference")
    assert timed.environments == {k: v for k, v in files.items() if v}
    assert campaign_from(json.loads(json.dumps(timed.as_dict()))) == timed


def test_without_the_key_nothing_knows_of_it(tmp_path):
    found = load(tmp_path)
    # As in a folder of before there were any.
    older = {key: value for key, value in default().items() if key != "environments"}
    older |= {"results": str(tmp_path)}
    assert configuration.load(older, []).runs == found.runs
    assert not found.environments
    assert all("environments" not in one.as_dict() for one in found.campaigns)
    run = found.runs[0]
    assert "--environment" not in found.settings_of(run).command(run, 1)


def test_a_study_of_one_framework_has_all_its_versions_and_no_other(tmp_path):
    named = [entry("jax", "jax 0.4.31"), "pytorch"]
    one = load(tmp_path, environments=OLD, frameworks=named, studies=["defaults"], tasks=["sine"])
    assert {run.framework for run in one.runs} == {"jax_0_4_31", "pytorch"}
    # Whose default a factor is decides whether there is a run.
    known = {run.track for run in one.runs if run.framework == "jax_0_4_31"}
    plain = load(tmp_path, frameworks=["jax"], studies=["defaults"], tasks=["sine"])
    assert known == {run.track for run in plain.runs}


@pytest.mark.parametrize(
    ("asked", "named", "says"),
    [
        (OLD, [entry("jax", "0.4.32")],
         "frameworks: jax: unknown environment '0.4.32'; allowed: jax 0.4.31."),
        ({}, [entry("jax", "mine")],
         "frameworks: jax: there is no environment 'mine'; say under `environments` what it is "
         "made of."),
        (OLD | {"jax-0.4.31": ["jax"]}, [entry("jax", "jax 0.4.31"), entry("jax", "jax-0.4.31")],
         "frameworks: two entries are called jax_0_4_31 in file names and tables; rename an "
         "environment, or remove one of the two."),
        ({"jax": ["jax"]}, ["jax", entry("jax", "jax")],
         "frameworks: two entries are called jax in file names and tables; rename an environment, "
         "or remove one of the two."),
        ({"it": {"python": "/none/python"}}, [entry("jax", "it")],
         "environments: it: /none/python is no interpreter (No such file or directory); name a "
         "Python's own file, such as folder/bin/python."),
        ({"it": {"python": "/bin/cat"}}, [entry("jax", "it")],
         "environments: it: /bin/cat is no interpreter (it does not run Python's code); name a "
         "Python's own file, such as folder/bin/python."),
        ({"it": "jax"}, ["jax"],
         "environments.it: must be requirements such as [jax==0.4.31, jaxlib==0.4.31], or an "
         "interpreter, {python: PATH}, not 'jax'."),
        ({"it": ["jax"] , "a" * 40: ["jax"]}, [entry("jax", "a" * 40)],
         f"environments: '{'a' * 40}' makes 'jax_{'a' * 40}' of jax, which cannot be a name; "
         "choose a shorter one of letters and digits."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_environment_is_one_sentence(tmp_path, asked, named, says):
    with pytest.raises(UserError) as refused:
        load(tmp_path, environments=asked, frameworks=named)
    assert str(refused.value) == f"--config: {says}"


@pytest.mark.parametrize(
    ("version", "packages", "says"),
    [
        ([3, 9, 2], {"numpy": "1"}, "is Python 3.9.2; 3.11 or newer is needed."),
        ([3, 12, 0], {"numpy": "2"}, "has no psutil; install it there."),
    ],
)
def test_an_interpreter_that_cannot_run_it_is_said_before_anything_runs(
    tmp_path, version, packages, says
):
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\necho '{json.dumps([str(path), version, packages])}'\n")
    path.chmod(0o755)
    with pytest.raises(UserError) as refused:
        environments.environment("it", {"python": str(path)})
    assert str(refused.value) == f"environments: it: {path} {says}"


def test_other_packages_are_another_environment():
    one = Environment("it", requirements=("jax==0.4.31",))
    assert one.path != replace(one, requirements=("jax==0.4.35",)).path
    there = Environment("it", "/bin/python", (), "3.12.0", (("jax", "1"),))
    assert there.path != replace(there, packages=(("jax", "2"),)).path
    assert environments.environment_from(one.as_json()) == one


@pytest.mark.parametrize(("said", "sentence"), SAYS.items(), ids=range(len(SAYS)))
def test_uvs_reason_in_short(said, sentence):
    assert making.reason(said) == sentence


def test_an_environment_is_made_whole_and_described(uv):
    its = Environment("jax 0.4.31", requirements=("jax==0.4.31",))
    found = making.make(its, its.path)
    assert environment.read(its.path) == found
    assert (found.error, found.problem) == ("", "")
    assert found.python == str(its.path.with_suffix("") / "bin" / "python")
    assert found.packages["jax"]
    assert its.path.with_suffix(".txt").read_text() == "numpy==1\n"
    log = uv.with_suffix(".log").read_text()
    assert "jax==0.4.31 numpy psutil" in log
    # Made once.
    making.make(its, its.path)
    assert uv.with_suffix(".log").read_text() == log
    assert making.of_an_environment(its.path) == ""
    Path(found.python).unlink()
    assert making.of_an_environment(its.path) == (
        f"environments: jax 0.4.31: its interpreter {found.python} is gone; run the pipeline, "
        "which makes it again."
    )


def test_one_that_cannot_be_made_says_so_and_leaves_nothing(uv, monkeypatch):
    its = Environment("it", requirements=("jax==9.9",))
    found = making.make(its, its.path)
    says = (
        "environments: it: its requirements cannot be met (there is no version of it); name others"
    )
    assert found.error == found.problem == says
    assert making.of_an_environment(its.path) == f"{says}."
    assert [path.name for path in its.path.parent.iterdir()] == [its.path.name]
    monkeypatch.setenv("UV", "/none/uv")
    assert making.make(its, its.path).error == (
        "environments: it: uv, which installs its requirements, is not there; pip install uv, or "
        "name an interpreter by python: PATH"
    )


def describe(folder: Path, name: str, python: str = OTHER) -> Path:
    """A file that describes an environment by its interpreter."""
    path = folder / f"{name}.json"
    its = environments.environment(name, {"python": python})
    making.make(its, path)
    return path


def train(path: Path, record: Path, framework: str) -> subprocess.CompletedProcess[str]:
    values = [word for k, v in TINY.items() for word in ("--set", f"{k}={v}")]
    words = ["train", "--task", "adding", "--framework", framework, "--cell", "rnn", *values]
    words += ["--environment", str(path), "--record", str(record)]
    command = [sys.executable, "-m", "harness", *words]
    environ = os.environ | {environments.VARIABLE: str(record.parent)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)


def test_a_run_goes_on_as_its_interpreter_and_its_record_says_where(tmp_path):
    assert environment.HANDED == _handed.FOLDER
    path = describe(tmp_path, "mine")
    done = train(path, tmp_path / "adding-pytorch_mine-rnn-matched-seed0.json", "pytorch_mine")
    assert done.returncode == 0, done.stderr
    record = records.read(tmp_path / "adding-pytorch_mine-rnn-matched-seed0.json")
    assert (record["status"], record["implementation"]) == ("ok", "pytorch")
    assert record["environment"]["name"] == "mine"
    assert record["environment"]["packages"] == environment.read(path).packages
    assert set(record["versions"]) == {"python", "numpy", "torch"}
    assert f"--environment {path}" in record["command"]
    assert (tmp_path / "handed" / "rates.json").exists()
    # What the pipeline tells of its frameworks.
    asked.write_plan(tmp_path, (), [], about={"configuration": {"device": "cpu"}})
    failed = record | {"framework": "pytorch_old", "status": "unavailable", "reason": "Not there"}
    plain = {k: v for k, v in record.items() if k not in ("implementation", "environment")}
    rows = table.rows(tmp_path, [failed, plain | {"framework": "jax"}, record])
    assert [(r["framework"], r["implementation"], r["environment"], r["error"]) for r in rows] == [
        ("jax", "jax", "", ""),
        ("pytorch_mine", "pytorch", "mine", ""),
        ("pytorch_old", "pytorch", "mine", "Not there"),
    ]
    assert table.rows(tmp_path, [plain | {"framework": "jax"}]) == []


def test_a_run_whose_environment_is_gone_is_unavailable(tmp_path):
    path = tmp_path / "gone.json"
    path.write_text(json.dumps(environment.Description("gone", "/none/python").as_dict()))
    done = train(path, tmp_path / "adding-pytorch_gone-rnn-matched-seed0.json", "pytorch_gone")
    assert done.returncode == 1
    record = records.read(tmp_path / "adding-pytorch_gone-rnn-matched-seed0.json")
    assert (record["status"], record["versions"]) == ("unavailable", {})
    assert record["reason"].startswith("environments: gone: its interpreter /none/python is gone")


def test_a_worker_of_the_clock_is_of_its_methods_environment(tmp_path, monkeypatch):
    path = describe(tmp_path, "mine")
    timed = replace(PLAN, environments={"pytorch_mine": str(path)})
    started = []
    monkeypatch.setattr(course, "Process", lambda *words: started.append(words[2:]))
    mine = course.Course(timed, "", print, sys.stderr, tmp_path, [[0]], ("-m", "x"), tmp_path)
    mine.process("pytorch_mine")
    mine.process("pytorch")
    assert started == [(OTHER, tmp_path), (sys.executable, tmp_path)]


def test_a_campaign_notes_which_methods_have_no_environment(tmp_path):
    path = tmp_path / "gone.json"
    path.write_text(json.dumps(environment.Description("gone", error="It is not").as_dict()))
    its = tuple(replace(method, framework="pytorch_gone") for method in PLAN.methods)
    timed = replace(PLAN, methods=its, environments={"pytorch_gone": str(path)})
    campaign.run(timed, tmp_path, lambda _: None)
    about = json.loads((tmp_path / "timing" / "tiny.json").read_text())
    assert about["problems"] == dict.fromkeys((method.name for method in its), "It is not")
    assert about["environments"]["pytorch_gone"]["name"] == "gone"


def test_other_requirements_make_their_runs_again_and_no_others(tmp_path, uv):
    def plan(requirement: str, *words: str) -> str:
        named = "[pytorch, {framework: pytorch, environment: old}]"
        here = SMALL | {
            "environments": f"{{old: [{requirement}]}}", "frameworks": named,
            "overrides": f"{{adding: {json.dumps(TINY)}}}",
        }  # fmt: skip
        results = tmp_path / "results"
        records = [str(results / "runs" / f"adding-{name}-rnn-matched-seed0.json")
                   for name in ("pytorch", "pytorch_old")]  # fmt: skip
        done = snakemake(results, *records, *words, **here)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    plan("torch==1")
    record = records.read(tmp_path / "results/runs/adding-pytorch_old-rnn-matched-seed0.json")
    assert (record["status"], record["environment"]["requirements"]) == ("ok", ["torch==1"])
    # By a process of its own, which has imported its PyTorch.
    assert (tmp_path / "results/benchmarks/preload-pytorch_old.tsv").exists()
    assert "Nothing to be done" in plan("torch==1", "-n")
    said = plan("torch==2", "-n")
    counts = dict(line.split() for line in said.splitlines() if line[:5] in ("train", "envir"))
    assert counts == {"train": "1", "environment": "1"}
