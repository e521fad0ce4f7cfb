"""A cluster's executor, listened to: who is told of a job's end, and what becomes of lost ones."""

from types import SimpleNamespace

import pytest

from harness import quiet
from harness.commands import command_line
from harness.errors import PIPELINE
from harness.pipeline import again, folder, remote, sockets
from harness.run import records


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Who takes a folder announces itself in the environment; other tests must not see it."""
    monkeypatch.setenv(PIPELINE, "")


def job(name, group=()):
    return SimpleNamespace(name=name, is_group=lambda: bool(group), jobs=group)


@pytest.fixture
def heard():
    """An executor that is listened to, and what was said of its jobs."""
    told = []
    executor = SimpleNamespace(
        report_job_success=lambda info: told.append(("done", info.job.name)),
        report_job_error=lambda info, msg=None: told.append(("failed", info.job.name)),
    )
    workflow = SimpleNamespace(local_exec=False, scheduler=SimpleNamespace(_executor=executor))

    def lost(job, reason):
        told.append((job.name, reason))
        return job.name.startswith("run")

    assert remote.listen(workflow, lambda job: told.append(("came", job.name)), lost)
    return executor, told


def test_a_lost_run_that_left_a_record_counts_as_done(heard):
    executor, told = heard
    info = SimpleNamespace(job=job("run"), external_jobid="7")
    executor.report_job_error(info, "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. More.")
    reason = "its job on the cluster ran out of its time (job 7, TIMEOUT)"
    assert told == [("run", reason), ("done", "run")]


def test_other_lost_jobs_and_those_that_were_never_submitted_fail(heard):
    executor, told = heard
    executor.report_job_error(SimpleNamespace(job=job("tables"), external_jobid="8"))
    executor.report_job_error(SimpleNamespace(job=job("run"), external_jobid=None), "sbatch failed")
    reason = "its job on the cluster failed (job 8, FAILED)"
    assert told == [("tables", reason), ("failed", "tables"), ("failed", "run")]


def test_every_job_of_a_group_is_told_and_one_that_left_nothing_fails_the_group(heard):
    executor, told = heard
    pair = job("pair", group=[job("tables"), job("run")])
    executor.report_job_success(SimpleNamespace(job=pair, external_jobid="9"))
    assert told == [("came", "tables"), ("came", "run"), ("done", "pair")]
    told.clear()
    executor.report_job_error(SimpleNamespace(job=pair, external_jobid="9"))
    assert [who for who, _ in told] == ["tables", "run", "failed"]


@pytest.mark.parametrize(
    "workflow",
    [
        SimpleNamespace(local_exec=True, scheduler=SimpleNamespace(_executor=SimpleNamespace())),
        SimpleNamespace(local_exec=False, scheduler=None),
        SimpleNamespace(local_exec=False, scheduler=SimpleNamespace()),
    ],
)
def test_here_and_with_another_snakemake_nothing_is_changed(workflow):
    assert remote.listen(workflow, print, print) is False


def test_a_record_from_outside_has_the_clusters_reason_and_is_made_again(tmp_path):
    path = tmp_path / "runs" / "adding-pytorch-rnn-matched-seed0.json"
    words = f"crashed --task adding --framework pytorch --cell rnn --results {tmp_path}"
    reason = remote.why("7", "SLURM status is: 'NODE_FAIL'.")
    assert command_line.run([*words.split(), "--record", str(path), "--reason", reason]) == 0
    record = records.read(path)
    assert (record["status"], record["seconds"]["total"]) == ("failed", 0)
    assert record["reason"] == "its job on the cluster lost its node (job 7, NODE_FAIL)"
    assert record["reason"] in again.of_a_run(path)


@pytest.mark.parametrize("preload", [True, False])
def test_a_clusters_jobs_share_no_preloader(tmp_path, monkeypatch, preload):
    monkeypatch.setenv(sockets.FOLDER, "one that an earlier pipeline had")
    folder.take(tmp_path / "results", preload=preload)
    assert (sockets.FOLDER in folder.os.environ) is preload
    assert folder.os.environ.get(sockets.FOLDER) != "one that an earlier pipeline had"


def test_where_files_cannot_be_locked_it_is_said_and_work_goes_on(tmp_path, monkeypatch, capsys):
    """As on some file systems that the nodes of a cluster share."""

    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    said = []
    with quiet.shared(tmp_path, said.append), quiet.alone(tmp_path, said.append):
        pass
    assert all("cannot be locked (No locks available); going on" in line for line in said)
    assert len(said) == 2
    folder.take(tmp_path)
    assert "start no second pipeline there" in capsys.readouterr().err
