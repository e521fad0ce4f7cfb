# What happens around a pipeline's jobs; see the Snakefile.


def records_of(job):
    """The records that a job makes, each with the arguments that say which run it is of."""
    params, output = job.params, job.output
    if job.rule.name == "train":
        return {Path(output.record): params.run}
    if job.rule.name.startswith("train_together"):
        seeds = params.each.split()
        return {
            Path(record): f"{params.method} --seed {seed}"
            for record, seed in zip(output.records, seeds, strict=True)
        }
    return {}


def start():
    """What a pipeline does before its first job."""
    folder.take(RESULTS, preload=workflow.local_exec)
    again.set_aside(AGAIN)
    todo = [path.stem for job in workflow.dag.needrun_jobs() for path in records_of(job)]
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


# Of jobs that a cluster ended, why; and from when the records are that are there already.
LOST, BEFORE = {}, {}


def written(path):
    """When a file was written; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


def listen_to_the_cluster():
    """Have jobs on a cluster say what they do, and leave a record when the cluster ends one."""
    if remote.listen(workflow, say_what_came, leave_a_record):
        for job in workflow.dag.needrun_jobs():
            BEFORE.update({path: written(path) for path in records_of(job)})


def say_what_came(job):
    """The lines on finished runs, which these themselves printed to their job's log."""
    for path in records_of(job):
        try:
            record = records.read(path)
        except UserError as error:
            print(error, flush=True)
        else:
            print(progress.finished_line(RESULTS, record), flush=True)


def leave_a_record(job, reason):
    """Record that the cluster ended runs or a check; whether it is recorded."""
    from harness.commands import command_line  # which only this needs

    LOST[job] = reason
    params, its = job.params, records_of(job)
    # Those that had done their work keep what they came to.
    commands = [
        f"crashed {words} --record {shlex.quote(str(path))}"
        for path, words in its.items()
        if written(path) == BEFORE[path] or again.of_a_run(path)
    ]
    if its and not commands:
        return True
    if job.rule.name == "conform":
        commands = [
            f"conform --framework {job.wildcards.framework} {params.kernels} {params.options}"
            f" --output {shlex.quote(job.output[0])}"
        ]
    for command in commands:
        words = [*shlex.split(command), "--results", str(params.results), "--reason", reason]
        if errors.status_of(functools.partial(command_line.run, words)):
            return False
    if not commands:
        return False
    # Snakemake waits for this file too, and here nobody measured anything.
    files.write_text(Path(job.benchmark), "s\nnan\n")
    return True


def say_what_studies_cost():
    """What is planned, before anything of it begins: to stderr, since stdout may be a drawing."""
    minutes = cost.core_minutes(CONFIGURATION.studies, CONFIGURATION.settings_of, RESULTS)
    for name, runs in CONFIGURATION.studies.items():
        much = "cost unknown" if math.isnan(minutes[name]) else f"{minutes[name]:.0f} core-minutes"
        print(f"study {name}: {len(runs)} runs, {much}", file=sys.stderr)
    part = f"in part {CONFIGURATION.shard}" if CONFIGURATION.shard else "in all"
    count = len(CONFIGURATION.runs)
    shared = ", some in several studies" * (sum(map(len, CONFIGURATION.studies.values())) > count)
    print(f"{count} runs {part}{shared}", file=sys.stderr)


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
