# What jobs need: which files are a rule's code, and what must be made again. Snakemake calls
# these functions when it plans, whatever it plans for: they may look, but touch nothing.

# Of each part of the code that jobs stand on, its files; see rule code.
CODE = {}


def stamp(part, files):
    """The one file by which a job that stands on ``files`` of the project sees that one changed.

    Snakemake weighs every input of every job, and the code of a run is some thirty files.
    """
    CODE[part] = files
    return RESULTS / "code" / f"{part}.txt"


@functools.cache
def code_of(*folders):
    """The modules of some folders of the project, for a rule that runs their code."""
    return [path for name in folders for path in sorted((ROOT / name).glob("*.py"))]


def code_of_stage(*folders):
    """The modules that decide the tables of a stage of the analysis, its own in ``folders``."""
    return code_of("analysis", "analysis/statistics", "harness/layout", *folders)


def of_the_project(paths):
    """Files that are where the project is, also where a storage carries the others."""
    return local(paths) if STORED else paths


def kept_of(runs):
    """The weights and losses of runs, for jobs to which a storage brings only what they name.

    Elsewhere they are no inputs: those that were taken away do no harm.
    """
    return [run.path(RESULTS).with_suffix(".npz") for run in runs] if STORED else []


def ledger(name):
    """A file of rules or published values, and its form."""
    return [ROOT / "workflows" / f"{name}.{end}" for end in ("yaml", "schema.json")]


@functools.cache
def code_of_cells(*names):
    """The modules of ``cells/`` that these cells are made of."""
    own = {path for name in names for path in registry.cell_files(name)}
    return [p for p in code_of("cells") if p in own or p.stem in ("__init__", "network")]


@functools.cache
def code_of_framework(name):
    """The modules that decide what an implementation computes: its own and those it stands on."""
    folders = (f"implementations/{one}" for one in sorted(registry.frameworks_under(name)))
    return code_of("implementations", *folders)


@functools.cache
def code_of_a_run(task, framework, cell):
    """What stands for the files that decide what a run computes, so that an edit of one task, one
    cell or one implementation re-runs just what depends on it."""
    return [
        stamp(f"task-{task}", code_of_a_task(task)),
        stamp(f"model-{framework}-{cell}", [*code_of_framework(framework), *code_of_cells(cell)]),
    ]


@functools.cache
def code_of_a_task(task):
    """The files that decide what a run of a task is, but for its model; and the task's data."""
    return [
        *code_of("harness/run"),
        # The rest of the plan decides which runs there are, not what one does.
        *(ROOT / "harness" / "plan" / f"{name}.py" for name in ("settings", "tracks")),
        *(ROOT / "tasks" / f"{name}.py" for name in ("__init__", task)),
        *sorted((ROOT / "tasks").glob("_[a-z]*.py")),
        *sorted(
            {
                path
                for (name, _), settings in CONFIGURATION.settings.items()
                for path in settings.task.files
                if name == task
            }
        ),
    ]


# What is made again, and why.
AGAIN = {}


def unless_it_stands(path, reason):
    """Plan to make ``path`` again where ``reason`` gives one, and say so.

    For input functions: Snakemake calls them when it plans, whatever it plans for.
    """
    if workflow.is_main_process and path not in AGAIN and (why := reason(path)):
        AGAIN[path] = why
        # As Snakemake does with what it knows to be incomplete, and by --forcerun.
        workflow.dag.forcefiles.add(str(path))
        print(f"Once more: {why}", file=sys.stderr)


def conformance_of(frameworks):
    """The tables of the conformance checks, where the configuration has any."""
    names = sorted(set(frameworks)) if CONFIGURATION.conformance else []
    return [RESULTS / "conformance" / f"{name}.csv" for name in names]


def environments_of(frameworks):
    """What describes the environments of these frameworks: other packages, and all is made again.

    With them what is handed over to any, which decides nothing that is not an input anyway.
    """
    found = sorted({path for name in frameworks if (path := CONFIGURATION.environment_of(name))})
    return [*found, ancient(environment.handed_by(RESULTS) / "whole")] if found else []


def what_is_handed_over():
    """The arguments that name the tasks of runs in an environment, and the cells that are checked."""
    runs = [run for run in CONFIGURATION.runs if CONFIGURATION.environment_of(run.framework)]
    methods = [
        method
        for campaign in CONFIGURATION.campaigns
        for method in campaign.methods
        if method.framework in campaign.environments
    ]
    tasks, cells = {run.task for run in runs}, {one.cell for one in [*runs, *methods]}
    return [f"--task {name}" for name in sorted(tasks)] + [
        f"--cell {name}" for name in sorted(cells)
    ]


def what_an_environment_needs(wildcards):
    path = CONFIGURATION.environments[wildcards.environment].path
    unless_it_stands(path, making.of_an_environment)
    return []


def what_a_run_needs(wildcards):
    run = Run(**{**dict(wildcards), "seed": int(wildcards.seed)})
    unless_it_stands(run.path(RESULTS), again.of_a_run)
    where = environments_of([run.framework])
    return [*code_of_a_run(run.task, run.framework, run.cell), *where]


def first_of(wildcards):
    """A run of the method that a batch of seeds is of."""
    return run_named(f"{wildcards.method}-seed0")


def method_of(wildcards):
    return [getattr(first_of(wildcards), name) for name in layout.METHOD]


def what_a_batch_needs(wildcards, seeds):
    first = first_of(wildcards)
    for seed in seeds:
        unless_it_stands(replace(first, seed=seed).path(RESULTS), again.of_a_run)
    code = code_of_a_run(first.task, first.framework, first.cell)
    return [*code, *environments_of([first.framework])]


def arguments_of_a_run(wildcards):
    """What tells ``python -m harness`` which run it is and with what settings."""
    before, after = arguments_but_seed(*(dict(wildcards)[name] for name in layout.METHOD))
    return f"{before} --seed {int(wildcards.seed)} {after}"


@functools.cache
def arguments_but_seed(task, framework, cell, track):
    """The same before and after the seed, which settings do not hang on."""
    run = Run(task, framework, cell, track, 0)
    text = CONFIGURATION.settings_of(run).arguments(run, CONFIGURATION.threads)
    return text.split(" --seed 0 ", 1)


def option(name, value):
    """An option of a command, quoted for a shell; nothing where it has no value."""
    return [name, shlex.quote(value)] if value else []


def what_a_check_needs(wildcards):
    name = wildcards.framework
    unless_it_stands(RESULTS / "conformance" / f"{name}.csv", again.of_a_check)
    checked = {kernel.partition("=")[0] for kernel in CONFIGURATION.kernels_in_use(name)}
    code = stamp(
        f"check-{name}",
        [
            *code_of("harness/conformance"),
            *code_of_framework(name),
            *code_of_cells(*sorted(checked)),
        ],
    )
    return [code, *environments_of([name])]


def what_a_campaign_needs(wildcards):
    unless_it_stands(RESULTS / "timing" / f"{wildcards.campaign}.json", again.of_a_campaign)
    methods = CAMPAIGNS[wildcards.campaign].methods
    frameworks = sorted({method.framework for method in methods})
    code = stamp(
        f"clock-{wildcards.campaign}",
        [
            *code_of("harness/clock", "harness/conformance"),
            *code_of_cells(*sorted({method.cell for method in methods})),
            ROOT / "harness" / "plan" / "campaigns.py",
            *sorted(
                {
                    path
                    for name in frameworks
                    for path in code_of_framework(name)
                    if path.name != "native.py"
                }
            ),
        ],
    )
    return [code, *environments_of(frameworks)]


def what_tables_need(wildcards):
    """The records of all runs; of a part of them no table is made, and no page."""
    if CONFIGURATION.shard:
        end(
            f"shard: part {CONFIGURATION.shard} of the runs makes no tables and no page; put all "
            "parts together with python -m analysis merge and make them there."
        )
    return [run.path(RESULTS) for run in CONFIGURATION.runs]


def end_where_stored(target):
    """Refuse what draws the page anew, which is another job's, where a storage has it."""
    if STORED:
        end(
            f"{target}: needs a results folder on this machine, not in a storage; fetch the folder "
            f"and use python -m analysis {target}."
        )


def reference(wildcards):
    """The reference's tables; what is not verified is verified anew whenever that is asked."""
    end_where_stored("verify")
    if not (tables := sorted((ROOT / "results" / "reference").glob("*.csv"))):
        end(
            "results/reference: there is no reference; make one with "
            "python -m analysis reference --results FOLDER."
        )
    verdict = RESULTS / "verify.json"
    if verdict.exists() and '"verdict": "verified"' not in verdict.read_text(encoding="utf-8"):
        workflow.dag.forcefiles.add(str(verdict))
    return tables


def other(wildcards):
    """The other folder's tables; what is wrong with them is said before anything trains."""
    if CONFIGURATION.other is None:
        end(
            "compare: name the other results folder: "
            "snakemake --cores all compare --config other=PATH"
        )
    end_where_stored("compare")
    or_end(foreign.read_other, RESULTS, CONFIGURATION.other)
    paths = [CONFIGURATION.other / f"{name}.csv" for name in foreign.TABLES]
    return [path for path in paths if path.is_file()]


def verified(wildcards):
    """Both jobs write the page, so the last one has to find what the first one found."""
    verdict = RESULTS / "verify.json"
    return [verdict] if {"verify", str(verdict)} & set(workflow.dag_settings.targets) else []
