# What happens around a pipeline's jobs; see the Snakefile.


def start():
    """What a pipeline does before its first job."""
    folder.take(RESULTS)
    again.set_aside(AGAIN)
    todo = [
        Path(job.output.record).stem
        for job in workflow.dag.needrun_jobs()
        if job.rule.name == "train"
    ]
    asked.write_plan(
        RESULTS,
        CONFIGURATION.runs,
        todo,
        CONFIGURATION.conformance,
        tuple(CAMPAIGNS),
        CONFIGURATION.studies,
    )


def say_what_studies_cost():
    """What is planned, before anything of it begins: to stderr, since stdout may be a drawing."""
    minutes = cost.core_minutes(CONFIGURATION.studies, CONFIGURATION.settings_of, RESULTS)
    for name, runs in CONFIGURATION.studies.items():
        much = "unknown" if math.isnan(minutes[name]) else f"{minutes[name]:.0f} core-minutes"
        print(f"study {name}: {len(runs)} runs, {much}", file=sys.stderr)
    print(f"{len(CONFIGURATION.runs)} runs in all, some in several studies", file=sys.stderr)


def say_what_failed():
    """Of each failed job the last line that it left, which is its reason."""
    for job in workflow.scheduler.failed:
        for log in map(Path, job.log):
            lines = log.read_text(errors="replace").split("\n") if log.exists() else []
            said = [line for line in lines if line.strip()]
            last = said[-1] if said else "the log is empty"
            print(f"failed: {job.rule.name} (its log: {log}): {last}", flush=True)
