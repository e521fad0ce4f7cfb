# One job a run. The linter would like a conda environment for each rule; there is one for
# all of them, environment.yml, in which Snakemake itself runs.


rule train:
    input:
        what_a_run_needs,
    output:
        record=RESULTS / "runs" / "{task}-{framework}-{cell}-{track}-seed{seed}.json",
        # Of a run that failed it is empty.
        arrays=RESULTS / "runs" / "{task}-{framework}-{cell}-{track}-seed{seed}.npz",
    log:
        RESULTS / "logs" / "{task}-{framework}-{cell}-{track}-seed{seed}.log",
    benchmark:
        RESULTS / "benchmarks" / "{task}-{framework}-{cell}-{track}-seed{seed}.tsv"
    threads: CONFIGURATION.threads
    resources:
        **BOUNDS,
        **ON_DEVICE,
    params:
        run=arguments_of_a_run,
        results=lambda wildcards, output: Path(output.record).parents[1],
    # A process that dies without a word (out of memory, a crash in a framework) is
    # recorded by the second command, so that no run can stop the others.
    shell:
        "python -m harness train {params.run} --record {output.record:q}"
        " --results {params.results:q} 2> {log:q}"
        " || python -m harness crashed {params.run} --record {output.record:q}"
        " --results {params.results:q} --code $? --shell $$ 2>> {log:q}"


# The seeds of a run that share a batch of models, a rule for each set of seeds; what each leaves is
# what a run by itself leaves.
for number, (seeds, batch) in enumerate(BATCHES.items()):
    workflow.ruleorder(f"train_together_{number}", "train")

    rule:
        name:
            f"train_together_{number}"
        input:
            lambda wildcards, seeds=seeds: what_a_batch_needs(wildcards, seeds),
        output:
            records=[RESULTS / "runs" / f"{{method}}-seed{seed}.json" for seed in seeds],
            arrays=[RESULTS / "runs" / f"{{method}}-seed{seed}.npz" for seed in seeds],
        log:
            RESULTS / "logs" / f"{{method}}-seeds{seeds[0]}to{seeds[-1]}.log",
        benchmark:
            RESULTS / "benchmarks" / f"{{method}}-seeds{seeds[0]}to{seeds[-1]}.tsv"
        wildcard_constraints:
            method="|".join(run.method for run in batch),
        threads: CONFIGURATION.threads
        resources:
            **BOUNDS,
            **ON_DEVICE,
        params:
            method=lambda wildcards: " ".join(arguments_but_seed(*method_of(wildcards))),
            all=",".join(map(str, seeds)),
            each=" ".join(map(str, seeds)),
            results=lambda wildcards, output: Path(output.records[0]).parents[1],
        # As with one run; those that have a record by then keep it.
        shell:
            "python -m harness together {params.method} --seeds {params.all}"
            " --results {params.results:q} 2> {log:q} ||"
            " {{ code=$?; for seed in {params.each}; do"
            " record={params.results:q}/runs/{wildcards.method}-seed$seed.json;"
            ' test -s "$record" || python -m harness crashed {params.method} --seed $seed'
            ' --record "$record" --results {params.results:q} --code $code --shell $$'
            " 2>> {log:q} || exit; done; }}"
