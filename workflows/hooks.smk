# What happens around a pipeline's jobs; see the Snakefile.


def start():
    """What a pipeline does before its first job."""
    folder.take(RESULTS, preload=workflow.local_exec)
    again.set_aside(AGAIN)
    todo = [
        Path(job.output.record).stem
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "train"
    ]
    progress.begin(RESULTS, len(todo))
    asked.write_plan(
        RESULTS,
        CONFIGURATION.runs,
        todo,
        CONFIGURATION.conformance,
        () if CONFIGURATION.shard else tuple(CAMPAIGNS),
        CONFIGURATION.studies,
        {
            "shard": str(CONFIGURATION.shard or ""),
            "configuration": CONFIGURATION.resolved,
            "code": asked.code(),
        },
    )


# Of jobs that a cluster ended, why; and of records that are there already, from when they are.
LOST, BEFORE = {}, {}


def written(path):
    """When a file was written; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def listen_to_the_cluster():
    """Have jobs on a cluster say what they do, and leave a record when the cluster ends one."""
    if remote.listen(workflow, say_what_came, leave_a_record):
        for job in workflow.dag.needrun_jobs():
            if job.rule.name == "train":
                BEFORE[job] = written(Path(job.output.record))


def say_what_came(job):
    """The line on a finished run, which the run itself printed to its job's log."""
    if job.rule.name == "train":
        try:
            record = records.read(Path(job.output.record))
        except UserError as error:
            print(error, flush=True)
        else:
            print(progress.finished_line(RESULTS, record), flush=True)


def leave_a_record(job, reason):
    """Record that the cluster ended a run or a check; whether it is recorded."""
    from harness.commands import command_line  # which only this needs

    LOST[job] = reason
    params, output = job.params, job.output
    if job.rule.name == "train":
        path = Path(output.record)
        if written(path) != BEFORE[job] and not again.of_a_run(path):
            return True  # it had done its work
        words = f"crashed {params.run} --record {shlex.quote(output.record)}"
    elif job.rule.name == "conform":
        words = f"conform --framework {job.wildcards.framework} {params.kernels} {params.options}"
        words += f" --output {shlex.quote(output[0])}"
    else:
        return False
    words = [*shlex.split(words), "--results", str(params.results), "--reason", reason]
    if errors.status_of(lambda: command_line.run(words)):
        return False
    # Snakemake waits for this file too, and here nobody measured anything.
    files.write_text(Path(job.benchmark), "s\nnan\n")
    return True


def say_what_studies_cost():
    """What is planned, before anything of it begins: to stderr, since stdout may be a drawing."""
    minutes = cost.core_minutes(CONFIGURATION.studies, CONFIGURATION.settings_of, RESULTS)
    for name, runs in CONFIGURATION.studies.items():
        much = "unknown" if math.isnan(minutes[name]) else f"{minutes[name]:.0f} core-minutes"
        print(f"study {name}: {len(runs)} runs, {much}", file=sys.stderr)
    part = f"in part {CONFIGURATION.shard}" if CONFIGURATION.shard else "in all"
    print(f"{len(CONFIGURATION.runs)} runs {part}, some in several studies", file=sys.stderr)


def say_what_failed():
    """Of each failed job the last line that it left, which is its reason."""
    for job in (one for job in workflow.scheduler.failed for one in remote.jobs_of(job)):
        for log in map(Path, job.log):
            lines = log.read_text(errors="replace").split("\n") if log.exists() else []
            said = [line for line in lines if line.strip()]
            last = said[-1] if said else "the log is empty"
            if job in LOST:
                last = "; ".join([LOST[job], *said[-1:]])
            print(f"failed: {job.rule.name} (its log: {log}): {last}", flush=True)


def say_what_is_stored():
    """The last lines where the results lie in a storage; whether a run failed."""
    made = [job for job in workflow.dag.finished_jobs if job.rule.name == "tables"]
    for job in made:
        (runs,) = (file for file in job.output if Path(file).name == "runs.csv")
        workflow.async_run(runs.retrieve_from_storage())
    place = f"{workflow.storage_settings.default_storage_prefix}/{RESULTS}"
    return stored.summary(place, Path(runs).parent if made else None)
