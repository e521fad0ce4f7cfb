"""Every table of a results folder, in the order in which people read them: one entry each."""

import re
from dataclasses import replace

from harness.layout.columns import Column, Table

TEXT = Column("text")
LINES = Column("text", pattern=r"[^\x00-\x08\x0b-\x1f\x7f]*", words="text")
NAME = Column("text", empty=False, pattern=r"[a-z][a-z0-9_]{0,63}",
              words="a name of small letters, digits and underscores")  # fmt: skip
WORD = Column("text", pattern=r"[\w ./,:+()=-]{0,200}", words="a word")
LATE = replace(WORD, late=True)
DIGEST = Column("text", pattern=r"[0-9a-f]{64}", words="a SHA-256 digest")
COUNT, SOME_COUNT = Column("int", empty=False), Column("int")
NUMBER, FLAG = Column("float"), Column("bool")
VALUE, YES_NO = Column("float", empty=False), Column("bool", empty=False)

Columns = dict[str, Column]


def each(column: Column, names: str) -> Columns:
    return dict.fromkeys(names.split(), column)


def interval(name: str, low: str = "", high: str = "") -> Columns:
    """A value with the ends of its interval."""
    low, high = low or f"{name}_low", high or f"{name}_high"
    return {name: Column("float", low, high), low: NUMBER, high: NUMBER}


def one_of(*words: str) -> Column:
    said = f"{', '.join(words[:-1])} or {words[-1]}"
    return Column("text", empty=False, pattern="|".join(map(re.escape, words)), words=said)


METHOD = each(NAME, "task framework cell track")
RUN = METHOD | {"seed": COUNT}
CLAIM = Column("text", empty=False, pattern=r"[a-z][a-z0-9-]{0,99}", words="a claim's id")
VERDICT = one_of("supported", "refuted", "inconclusive", "not tested")
_STATUS = one_of("ok", "diverged", "failed", "unavailable")
_MODEL = RUN | {"moment": WORD}
_VERSIONS = each(NAME, "framework other_framework")
_TIMED = each(WORD, "framework kernel cell")
_SIZES = each(COUNT, "batch sequence_length input_size hidden layers")
_PLACE = {"folder": TEXT, "machine": TEXT, **each(WORD, "shape cell"), **_SIZES}
_APART = (
    each(WORD, "item check task framework cell track case verdict") | {"n": SOME_COUNT}
    | each(NUMBER, "here there") | interval("effect", "low", "high")
    | {"unit": WORD} | each(NUMBER, "margin p p_equal") | {"detail": TEXT}
)  # fmt: skip

_ALL = (
    # From the records of the runs. `steps_to_solve` is of a solve that lasts and that the test
    # confirms: harness/run/solving.py.
    Table("runs", "One row a run: how it ended, score, steps to solve, seconds, digests, settings",
          "tables",
          RUN | {"status": _STATUS, "error": TEXT, "parameters": SOME_COUNT, "score": NUMBER}
          | each(VALUE, "baseline solved_at") | {"solved": FLAG, "steps": COUNT}
          | {"steps_to_solve": SOME_COUNT}
          | each(NUMBER, "train_seconds step_ms total_seconds gflop peak_rss_mb")
          | {"device": TEXT, "kernel": WORD, "threads": COUNT}
          | each(DIGEST, "data_sha256 weights_sha256 losses_sha256") | {"machine": COUNT}
          # How many seeds were trained in one batch of models; empty where each was alone.
          | {"gatebench": LATE, "together": LATE} | each(WORD, "git_commit finished")
          | {"command": TEXT},
          key=tuple(RUN), settings=True),
    Table("scores", "Each method's scores over its seeds: median, range, how many solve", "tables",
          METHOD | each(COUNT, "runs ended_well") | each(NUMBER, "median lowest highest")
          | {"solved": SOME_COUNT} | each(NUMBER, "progress to_best")
          | {"state": WORD, "median_steps_to_solve": SOME_COUNT, "comparable": YES_NO}
          | {"errors": TEXT}, key=tuple(METHOD)),
    Table("curves", "Learning curves: loss and score of each run by step", "tables",
          RUN | {"step": COUNT, "seconds": VALUE} | each(NUMBER, "loss score")),
    Table("curves_summary", "Learning curves of each method: median and range over the seeds",
          "tables", METHOD | each(COUNT, "step n") | {"seconds": NUMBER}
          | each(VALUE, "median lowest highest")),
    Table("losses", "The loss of each run at steps 1, 2, 4, 8 and so on", "tables",
          RUN | {"step": COUNT, "loss": NUMBER}, key=(*RUN, "step"), digits=9),
    Table("tasks", "The tasks: metric, baseline, solved value, margin, settings, references",
          "tables",
          {"task": NAME, "summary": TEXT, "metric": TEXT, "direction": one_of("lower", "higher")}
          | each(VALUE, "baseline solved") | {"margin": NUMBER}
          | each(TEXT, "settings references") | {"documentation": LINES}, key=("task",)),
    Table("classical", "What methods without a network score on the same data", "tables",
          {"task": NAME, "method": WORD, "seed": COUNT, "score": NUMBER}),
    # `machine` numbers a machine with its packages; it is how a run names them.
    Table("machines", "The machines with their packages, by the number that runs.csv names",
          "tables", {"machine": COUNT, "framework": NAME}
          | each(TEXT, "packages processor generation") | each(NUMBER, "cores memory_gb")
          | {"system": TEXT, "runs": COUNT}, key=("machine",)),
    Table("frameworks", "How each framework runs", "tables",
          {"framework": NAME, "documentation": LINES}),
    Table("cells", "The cells: what they are, from where, their gates and equations", "tables",
          {"cell": NAME, "title": TEXT, "parent": WORD}
          | each(TEXT, "summary source gates states lineage")
          | {"equations": LINES},
          key=("cell",)),
    Table("tracks", "The tracks with settings of their own, and what they change", "tables",
          {"track": NAME, "what": TEXT}, key=("track",)),
    Table("studies", "The studies: their questions, their runs and what these cost", "tables",
          {"study": NAME, "question": TEXT} | each(COUNT, "runs ended_well")
          | {"core_minutes": VALUE}, key=("study",)),
    Table("cost", "Where the time went, in core-seconds", "tables",
          {"phase": WORD} | each(NUMBER, "core_seconds share")),
    Table("conformance", "Every check of every implementation against the reference model",
          "tables", {"framework": NAME} | each(WORD, "kernel track cell") | {"layers": COUNT}
          | each(WORD, "outputs dtype") | {"check": TEXT} | each(NUMBER, "max_error tolerance")
          | {"passed": YES_NO, "counted": SOME_COUNT, "detail": TEXT, "machine": TEXT}
          # The day of a check that was made before, with all that it hangs on as it is now.
          | {"kept": LATE}),
    Table("conformance_summary", "The same checks by framework, cell and kind of check", "tables",
          each(NAME, "framework cell") | {"check": TEXT, "dtype": WORD}
          | each(COUNT, "checks passed") | each(NUMBER, "max_error tolerance") | {"detail": TEXT}),
    Table("divergence", "When float32 parts two frameworks, run by run", "tables",
          each(NAME, "task cell") | {"seed": COUNT} | each(NAME, "framework other_framework")
          | {"threshold": VALUE, "step": SOME_COUNT, "steps": COUNT}),
    Table("divergence_summary", "When float32 parts two frameworks, over the seeds", "tables",
          each(NAME, "task cell framework other_framework") | {"threshold": VALUE}
          | each(COUNT, "seeds reached") | each(SOME_COUNT, "median_step first_step last_step")
          | {"steps": COUNT}),
    Table("environments", "The environments of the frameworks, with all that is installed there",
          "tables", each(NAME, "framework implementation")
          | each(WORD, "environment device python") | each(TEXT, "requirements packages error"),
          key=("framework",)),
    # `framework` is the later version of the two. `alike` are two environments with the same
    # packages. A step is the first whose loss has other bits; it is empty where none has.
    Table("versions", "Two versions of one framework: the checks of each, and whose runs are alike",
          "tables", each(NAME, "implementation") | _VERSIONS
          | each(WORD, "version other_version") | {"alike": YES_NO, "differs": TEXT}
          | each(SOME_COUNT, "checks passed other_checks other_passed")
          | each(COUNT, "runs same_losses same_weights") | each(SOME_COUNT, "first_step last_step")
          # Runs of which both have a score, and the task a margin; the scores it counts as equal.
          | each(COUNT, "scored within"),
          key=tuple(_VERSIONS)),
    Table("version_runs", "The same run with two versions of one framework", "tables",
          each(NAME, "task cell track") | {"seed": COUNT} | _VERSIONS
          | each(_STATUS, "status other_status")
          | each(NUMBER, "score other_score difference margin")
          | each(FLAG, "same_losses same_weights") | each(SOME_COUNT, "first_step steps"),
          key=("task", "cell", "track", "seed", *_VERSIONS)),
    Table("parameter_counts", "Parameters as each framework counts them, and by formula", "tables",
          {"model": TEXT} | each(NAME, "framework track cell")
          | each(COUNT, "matrices biases redundant total counted") | {"agrees": YES_NO}
          | each(NUMBER, "matrices_to_lstm total_to_lstm")),
    Table("attribution", "What each default of a framework changes", "tables",
          each(NAME, "task framework cell") | each(WORD, "factor") | {"what": TEXT}
          | each(COUNT, "n censored") | interval("steps_ratio") | interval("score_change")),
    # Progress is the last validation score's place between baseline (0) and solved value (1).
    Table("rates", "Learning rates tried for each cell, by validation data, and which was chosen",
          "rates", each(NAME, "task cell") | {"learning_rate": VALUE, "frameworks": TEXT}
          | {"seeds": COUNT} | each(VALUE, "mean_progress median_progress best_progress solved")
          | {"median_steps_to_solve": SOME_COUNT, "diverged": COUNT, "chosen": YES_NO},
          key=("task", "cell", "learning_rate")),
    # Inside the models, from their weights.
    Table("gradient_flow", "How far back the gradient reaches, run by run", "insides",
          _MODEL | {"cotangent": WORD, "lag": COUNT}
          | each(NUMBER, "gradient_h gradient_c gradient") | {"task_lag": SOME_COUNT}
          | each(NUMBER, "decay horizon")),
    Table("gates", "Saturation and time scales of the gates, run by run", "insides",
          _MODEL | {"layer": COUNT, "gate": WORD, "units": COUNT}
          | each(NUMBER, "below below_q10 below_q90 above above_q10 above_q90")
          | {f"timescale_q{q}": NUMBER for q in (10, 25, 50, 75, 90)}
          | {"lag": SOME_COUNT} | each(NUMBER, "longer coupling")
          | each(NUMBER, "at_marked elsewhere opening closing")),
    # `values` are those at the steps of the row `step`, by spaces; a single target is of the last.
    Table("gate_examples", "One test example in each cell: inputs, gates and answers step by step",
          "insides", RUN | {"layer": SOME_COUNT}
          | {"quantity": one_of("step", "marked", "input", "target", "weight", "gate", "state",
                                "output", "probability")}
          | {"name": WORD, "unit": SOME_COUNT, "values": TEXT}),
    # Control characters are escaped as in Python: one line that no page or terminal acts on.
    Table("samples", "How each cell's model goes on with a text that it was trained on", "insides",
          RUN | {"temperature": VALUE} | each(TEXT, "prompt text")),
    Table("memory_probe", "What the state still tells of a value shown earlier, run by run",
          "insides", _MODEL | {"step": COUNT, "metric": TEXT} | each(NUMBER, "score chance")),
    Table("dynamics", "Norms of the gradient while training", "insides",
          RUN | each(COUNT, "first_step last_step")
          | each(NUMBER, "norm_q10 norm_q50 norm_q90 norm_most limit over_limit")
          | {"spikes": COUNT}),
    Table("gradient_norms", "Norms and spikes of the gradient, run by run", "insides",
          RUN | each(VALUE, "median_norm largest_norm spike") | {"exploded": YES_NO}),
    Table("insides_skipped", "Runs without weights to look into, and why", "insides",
          RUN | {"reason": TEXT}),
    # The clock. `machine` says which one it stood on: times of two machines are never compared.
    Table("timing", "Milliseconds by shape, method and phase, with intervals", "timing",
          {"machine": TEXT, "shape": WORD} | _SIZES | _TIMED | {"phase": NAME}
          | interval("median_ms", "low_ms", "high_ms") | each(SOME_COUNT, "processes rounds")
          | each(NUMBER, "flop gflops peak_fraction products_ms products_fraction peak_rss_mb")
          # What other processes worked meanwhile, in percent of one core.
          | {"other_cpu_percent": NUMBER, "warning": TEXT}, digits=6),
    # Medians over blocks; device_ms, between two marks on the device, and joules_a_step are of one
    # block of training steps that is longer than a second. Empty without a GPU.
    Table("timing_device", "What a GPU said of itself while it was timed", "timing",
          {"machine": TEXT, "shape": WORD} | _TIMED | {"phase": NAME, "precision": WORD}
          | each(NUMBER, "host_ms device_ms joules_a_step sm_mhz power_w temperature_c device_mb")
          | each(TEXT, "throttled card driver cuda cudnn") | {"deterministic": FLAG}, digits=6),
    # The interval is exp(log(ratio) ± t(.975, df) · log_se); `noise_percent` is 100 times the
    # standard deviation of all A/A log ratios of the machine, one a process.
    Table("speed_ratios", "Methods against each other on the clock", "timing",
          {"machine": TEXT} | each(WORD, "shape kind numerator denominator")
          | interval("ratio", "low", "high") | {"log_se": NUMBER, "df": SOME_COUNT}
          | {f"{side}_{name}": column for side in ("numerator", "denominator")
             for name, column in (_TIMED | {"hidden": SOME_COUNT}).items()}
          | {"processes": SOME_COUNT, "noise_percent": NUMBER, "warning": TEXT}, digits=6),
    # The interval is made as that of speed_ratios.csv; within 3 % it is `alike`, beyond `apart`.
    Table("version_ratios", "Two environments of one framework against each other on the clock",
          "timing",
          {"machine": TEXT} | each(WORD, "shape cell") | {"phase": NAME} | _VERSIONS
          | each(WORD, "kernel other_kernel") | {"verdict": one_of("alike", "apart", "open")}
          | interval("ratio", "low", "high") | {"log_se": NUMBER, "df": SOME_COUNT}
          | {"processes": SOME_COUNT, "warning": TEXT}, digits=6),
    Table("peaks", "The frameworks' own matrix products, in GFLOP/s", "timing",
          {"machine": TEXT} | each(WORD, "shape framework cell product") | each(COUNT, "m k n")
          | interval("gflops", "low", "high") | {"attainable": YES_NO, "threads": COUNT}, digits=6),
    Table("scaling", "How the cost of a step grows with its sizes", "timing",
          {"machine": TEXT, "axis": WORD} | _TIMED
          | interval("overhead_ms", "overhead_low", "overhead_high") | interval("ms_per_gflop")
          | interval("even_at") | each(SOME_COUNT, "from_value to_value held_out")
          | each(NUMBER, "measured_ms predicted_ms prediction_error")
          | {"processes": SOME_COUNT, "warning": TEXT}, digits=6),
    Table("scaling_points", "The measured points behind scaling.csv", "timing",
          {"machine": TEXT, "axis": WORD, "value": COUNT} | _TIMED
          | each(NUMBER, "median_ms fitted_ms") | {"held_out": YES_NO}, digits=6),
    # The evidence.
    Table("claims", "Verdicts on published claims, a row a claim", "evidence",
          {"claim": CLAIM, "source": TEXT, "verdict": VERDICT, **interval("effect", "low", "high"),
           "n": SOME_COUNT, "p": NUMBER, "p_holm": NUMBER, "detail": TEXT}
          | each(WORD, "framework task case unit expect") | {"margin": NUMBER}
          | each(SOME_COUNT, "cases supporting refuting seeds_needed") | each(TEXT, "rates studies")
          | {"group": WORD} | each(TEXT, "sentence supported_if refuted_if"), key=("claim",)),
    Table("cases", "What each case of a claim says", "evidence",
          {"claim": CLAIM, **each(WORD, "framework task case")}
          | {"says": one_of("supports", "refutes", "open", "left out")}
          | interval("effect", "low", "high") | {"n": SOME_COUNT} | each(NUMBER, "p margin")
          | each(WORD, "unit expect") | {"seeds_needed": SOME_COUNT, "detail": TEXT}),
    Table("comparisons", "Every comparison of two methods, paired by seed", "evidence",
          each(WORD, "kind task metric track a b") | {"n": SOME_COUNT}
          | interval("effect", "low", "high") | each(WORD, "unit better")
          | each(NUMBER, "probability_of_improvement p p_holm p_logrank margin p_margin")
          | each(NUMBER, "p_margin_holm p_equal") | {"equivalent": FLAG}),
    # `verdict` is of the score; `steps_ratio` below 1 means that the cell takes fewer.
    Table("changes", "Each cell beside the cell that it changes: score, steps to solve, cost",
          "evidence", METHOD | {"parent": NAME, "n": COUNT, "learned": YES_NO}
          | {"verdict": one_of("better", "as good", "worse", "open", "neither learns", "few seeds")}
          | interval("score_change") | interval("progress_change")
          | each(NUMBER, "p p_holm margin p_margin p_margin_holm p_equal") | {"equivalent": FLAG}
          | each(NUMBER, "p_kept p_kept_holm") | interval("steps_ratio")
          | each(NUMBER, "steps_p steps_p_holm")
          | {f"{side}{name}": column for side in ("", "parent_") for name, column in (
              {"solved": COUNT, "parameters": SOME_COUNT}
              | each(NUMBER, "progress step_mflop step_ms operations_to_solve")).items()},
          key=tuple(METHOD)),
    Table("frontier", "How far each cell gets across the tasks, for how many operations",
          "evidence", each(NAME, "framework cell track") | each(COUNT, "tasks n")
          | interval("progress") | {"operations": NUMBER, "on_frontier": YES_NO},
          key=("framework", "cell", "track")),
    Table("summary", "Each method with its intervals", "evidence",
          METHOD | each(COUNT, "n diverged") | interval("mean") | interval("median")
          | each(NUMBER, "lowest highest") | {"solved": SOME_COUNT}
          | interval("solve_rate", "rate_low", "rate_high") | interval("steps"), key=tuple(METHOD)),
    Table("ratios", "Each method as a ratio to each other", "evidence",
          each(WORD, "task track metric framework cell baseline") | {"n": SOME_COUNT}
          | interval("ratio", "low", "high")),
    Table("aggregate", "Methods across tasks, with intervals", "evidence",
          each(NAME, "framework cell track") | each(COUNT, "tasks n")
          | interval("mean", "low", "high")),
    Table("profiles", "Performance profiles across tasks", "evidence",
          each(NAME, "framework cell track") | each(COUNT, "tasks n") | {"threshold": VALUE}
          | interval("share", "low", "high")),
    Table("advice", "Which cell and framework to use, how sure that is and what decides",
          "evidence", each(WORD, "question task track shape cell") | {"machine": TEXT}
          | each(WORD, "verdict sure better worse") | {"alike": FLAG}
          | each(WORD, "why metric framework") | {"frameworks": SOME_COUNT} | each(WORD, "a b")
          | interval("effect", "low", "high") | {"unit": WORD, "n": SOME_COUNT, "margin": NUMBER}
          | each(TEXT, "rates detail")),
    # Published values.
    Table("published", "Published values beside ours, with a verdict", "published",
          each(TEXT, "id title source") | each(WORD, "task cell framework unit")
          | {"published": NUMBER} | interval("ours", "low", "high")
          | each(NUMBER, "lowest highest") | {"n": SOME_COUNT} | each(TEXT, "verdict detail")
          | each(NUMBER, "at_least at_most") | {"better": WORD}
          | each(SOME_COUNT, "published_parameters parameters") | each(TEXT, "differs needs")),
    Table("published_runs", "The single runs of published settings", "published",
          {"id": TEXT} | RUN | {"status": _STATUS, "value": NUMBER}
          | each(SOME_COUNT, "steps steps_to_solve") | {"train_seconds": NUMBER}
          | {"parameters": SOME_COUNT}),
    # Beside other folders.
    Table("verify", "Every comparison with the reference results", "verify", _APART),
    Table("compare", "Every comparison with another results folder", "compare", _APART),
    # The folders of results/machines/ beside each other. `machine` is that of the clock.
    Table("site_folders", "The contributed folders, a row a kind of machine", "site",
          {"folder": TEXT} | each(TEXT, "processor generation") | each(NUMBER, "cores memory_gb")
          | {"system": TEXT} | each(COUNT, "runs ended_well tasks seeds")
          | each(TEXT, "versions gatebench commits") | each(WORD, "first last")),
    Table("site_steps", "The training step of each framework on each machine", "site",
          _PLACE | each(WORD, "framework kernel") | interval("median_ms", "low_ms", "high_ms")),
    Table("site_fastest", "Which framework is fastest on each machine, by the rules of advice.csv",
          "site", _PLACE | each(WORD, "verdict sure better worse a b")
          | interval("effect", "low", "high") | {"n": SOME_COUNT}),
    Table("site_claims", "The verdicts on published claims, folder by folder", "site",
          {"claim": CLAIM, "folder": TEXT, "verdict": VERDICT}
          | interval("effect", "low", "high") | {"unit": WORD, "n": SOME_COUNT},
          key=("claim", "folder")),
    # `answer` is the commonest one: a verdict, or the frameworks that none is faster than. `agree`
    # machines give it, `others` give another one, `open` none.
    Table("site_agreement", "What comes out alike on all machines, and what does not", "site",
          {"about": one_of("claim", "fastest")} | each(TEXT, "claim sentence source")
          | each(WORD, "shape cell") | dict.fromkeys(_SIZES, SOME_COUNT) | {"answer": WORD}
          | each(COUNT, "machines agree others open")
          | {"says": one_of("everywhere", "where decided", "differs", "open")}),
)  # fmt: skip
TABLES = {table.name: table for table in _ALL}
