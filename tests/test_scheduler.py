"""Snakemake's scheduler: how often it wakes, what it costs, and what runs beside the clock."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.settings.types import MaxJobsPerTimespan

from harness import quiet
from harness.errors import PIPELINE, UserError
from harness.pipeline import scheduler
from tests.conftest import ROOT

# Twenty short jobs and then two that have the machine: the second is ready all the while.
# Every job notes when it starts and ends.
WORKFLOW = f"""
import sys
from pathlib import Path

sys.path.insert(0, {str(ROOT)!r})
from harness.pipeline import scheduler

RESULTS = Path("results")
NOTE = "date +%s.%N >> {{output}}"

rule all:
    input: "clock1", "clock2", expand("run{{i}}", i=range(20))

rule prepare:
    output: "common"
    threads: lambda wildcards: scheduler.cores(workflow)
    shell: f"{{NOTE}}; {{NOTE}}"

rule run:
    input: "common"
    output: "run{{i}}"
    shell: f"{{NOTE}}; sleep .1; {{NOTE}}"

rule clock:
    input: "common"
    output: "clock{{i}}"
    threads: lambda wildcards: scheduler.cores(workflow)
    shell: f"{{NOTE}}; sleep 2; {{NOTE}}"

onstart:
    print("calm:", CALM and scheduler.calm(workflow))
    print("narrow:", CALM and scheduler.narrow(workflow))
    passes = workflow.scheduler.job_selector
    workflow.scheduler.job_selector = lambda jobs: print("pass") or passes(jobs)
"""


def snakemake(folder: Path, workflow: str, cores: int) -> str:
    """Run a workflow in ``folder`` by the project's profile; what it printed."""
    (folder / "Snakefile").write_text(workflow)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), "--workflow-profile",
         str(ROOT / "profiles" / "default")],
        cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def spans(folder: Path, pattern: str) -> list[tuple[float, ...]]:
    """When the jobs whose outputs match ``pattern`` started and ended, in order."""
    return sorted(tuple(map(float, p.read_text().split())) for p in folder.glob(pattern))


def overlapping(clocks: list[tuple[float, ...]], others: list[tuple[float, ...]]) -> bool:
    pairs = [(a, b) for a in clocks for b in clocks + others if a is not b]
    return any(a[0] < b[1] and b[0] < a[1] for a, b in pairs)


def test_the_scheduler_wakes_when_a_job_ends_and_nothing_runs_beside_a_timing_job(tmp_path):
    """The hook is there in the installed Snakemake: where it goes, ``calm: True`` goes."""
    text = snakemake(tmp_path, f"CALM = True\n{WORKFLOW}", cores=3)
    assert "calm: True" in text
    assert "narrow: True" in text
    # One for each of the 24 jobs and the start; with a limiter a timer causes one more after each.
    assert text.count("pass\n") <= 25
    clocks = spans(tmp_path, "clock*")
    assert len(clocks) == 2
    assert not overlapping(clocks, spans(tmp_path, "run*") + spans(tmp_path, "common"))


def test_without_the_remedy_the_pipeline_works_and_wakes_more_often(tmp_path):
    """What the remedy is for; when this fails, Snakemake has mended it and the remedy can go."""
    text = snakemake(tmp_path, f"CALM = False\n{WORKFLOW}", cores=3)
    assert "calm: False" in text
    assert text.count("pass\n") > 25  # the most that the remedy needs; about 50 where nothing waits


@pytest.mark.parametrize(
    "workflow",
    [
        SimpleNamespace(),
        SimpleNamespace(scheduler=None),
        SimpleNamespace(scheduler=SimpleNamespace()),
        SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=None)),
        SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=object())),
    ],
)
def test_with_another_snakemake_nothing_is_changed(workflow):
    assert scheduler.calm(workflow) is False
    assert scheduler.narrow(workflow) is False


class Scheduler:
    """What Snakemake's scheduler has of what is narrowed."""

    open_jobs, remaining_jobs = property(lambda self: 1 / 0), property(lambda self: 1 / 0)

    def __init__(self, chosen):
        self._greedy_scheduler, self._job_selector = Chooser(), chosen.select


class Chooser:
    def select(self):
        return None


class Solver:
    """Another way to choose, which wants to know all that is left."""

    def select(self):
        return None


@pytest.mark.parametrize(
    ("local", "kind", "does"),
    [(True, Chooser, True), (False, Chooser, False), (True, Solver, False)],
)
def test_few_jobs_are_shown_and_those_that_come_first_always(local, kind, does):
    jobs = set(range(20_000))
    dag = SimpleNamespace(
        ready_jobs=jobs,
        needrun_jobs=lambda: jobs,
        priority=lambda job: int(job in (19_998, 19_999)),
    )
    workflow = SimpleNamespace(
        scheduler=Scheduler(kind()), dag=dag, local_exec=local,
        resource_settings=SimpleNamespace(cores=4),
    )  # fmt: skip
    assert scheduler.narrow(workflow) is does
    if not does:
        return
    shown = workflow.scheduler.open_jobs
    assert len(shown) == 2 + 2 * 4 + scheduler.FEW
    assert {19_998, 19_999} < set(shown)
    assert workflow.scheduler.remaining_jobs == ()
    jobs.clear()
    assert workflow.scheduler.open_jobs == []


def test_a_rate_that_the_user_asked_for_stays():
    def workflow(rate):
        limiter = MaxJobsPerTimespan.parse_choice(rate)
        return SimpleNamespace(scheduler=SimpleNamespace(job_rate_limiter=limiter))

    asked, default = workflow("10/1m"), workflow("100/1s")
    assert scheduler.calm(asked) is False
    assert asked.scheduler.job_rate_limiter is not None
    assert scheduler.calm(default) is True
    assert default.scheduler.job_rate_limiter is None


def test_the_cost_of_all_pipelines_of_a_folder_is_kept(tmp_path, monkeypatch):
    monkeypatch.delenv(PIPELINE, raising=False)
    assert scheduler.cost(tmp_path) == 0
    for _ in range(2):
        scheduler.keep_cost(tmp_path)
    path = tmp_path / "benchmarks" / "pipeline.tsv"
    kept = [float(line.split("\t")[1]) for line in path.read_text().splitlines()[1:]]
    assert len(kept) == 2
    assert kept[0] > 0
    assert scheduler.cost(tmp_path) == pytest.approx(sum(kept))
    # The one that is still at work: here this process itself, in ticks of 10 ms.
    monkeypatch.setenv(PIPELINE, f"{os.uname().nodename}:{os.getpid()}")
    assert scheduler.cost(tmp_path) >= sum(kept) + kept[1] - 0.02
    monkeypatch.setenv(PIPELINE, "elsewhere:1")
    assert scheduler.cost(tmp_path) == pytest.approx(sum(kept))


# A clock that asks for one core only stands for a Snakemake that starts two of them at once.
LOCKED = f"""
PYTHON = {sys.executable!r}
RULE = '''PYTHONPATH={ROOT} {{PYTHON}} -c "import sys, time; from harness import quiet
from pathlib import Path
with quiet.%s(Path('results'), print), open(sys.argv[1], 'w') as file:
    print(time.time(), file=file)
    time.sleep(%s)
    print(time.time(), file=file)
" {{output}}'''

rule all:
    input: "clock1", "clock2", expand("run{{i}}", i=range(4))

rule run:
    output: "run{{i}}"
    shell: RULE % ("shared", .5)

rule clock:
    output: "clock{{i}}"
    shell: RULE % ("alone", .5)
"""


def test_the_clock_waits_for_runs_and_runs_for_the_clock(tmp_path):
    (tmp_path / "results").mkdir()
    text = snakemake(tmp_path, LOCKED, cores=6)
    clocks, runs = spans(tmp_path, "clock*"), spans(tmp_path, "run*")
    assert (len(clocks), len(runs)) == (2, 4)
    assert not overlapping(clocks, runs)
    assert re.search(r"^results: .* works? there; waiting for its end\.$", text, re.M)


def test_who_waits_says_so_once_and_not_for_ever(tmp_path):
    said: list[str] = []
    with quiet.shared(tmp_path, said.append), quiet.shared(tmp_path, said.append):
        assert said == []
        with (
            pytest.raises(UserError, match="still does after 1 s; end what an earlier pipeline"),
            quiet.alone(tmp_path, said.append, patience=0.6),
        ):
            pass
    assert said == [f"{tmp_path}: a run or the clock works there; waiting for its end."]
    with quiet.shared(None, said.append):
        pass


# An executor that submits to nowhere and says how many threads it was asked for.
EXECUTOR = """
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import CommonSettings

common_settings = CommonSettings(
    non_local_exec=True, implies_no_shared_fs=False, job_deploy_sources=False,
    pass_default_storage_provider_args=True, pass_default_resources_args=True,
    pass_envvar_declarations_to_cmd=False, auto_deploy_default_storage_provider=False,
)


class Executor(RemoteExecutor):
    def __post_init__(self):
        pass

    def run_job(self, job):
        print(f"submitted: {job.name}, {job.threads} threads", flush=True)
        self.report_job_submission(SubmittedJobInfo(job=job))
        self.report_job_error(SubmittedJobInfo(job=job))

    async def check_active_jobs(self, active_jobs):
        for job in active_jobs:
            yield job

    def cancel_jobs(self, active_jobs):
        pass
"""


def test_a_clusters_executor_needs_no_cores(tmp_path):
    """Without --cores the number of all cores is an error in Snakemake."""
    plugin = tmp_path / "snakemake_executor_plugin_nowhere"
    plugin.mkdir()
    (plugin / "__init__.py").write_text(EXECUTOR)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--executor", "nowhere", "--jobs", "2", "timing",
         "--configfile", "workflows/config/quick.yaml",
         "--config", f"results={tmp_path / 'results'}", "conformance=false"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, text=True, timeout=120,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert "submitted: time, 2 threads" in done.stdout, done.stdout
