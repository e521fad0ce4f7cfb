# The gate: every implementation against the NumPy reference, a job for each.


rule conform:
    input:
        lambda wildcards: [
            *code_of("harness/conformance", "cells"),
            *sorted((ROOT / "implementations").glob("*.py")),
            *sorted((ROOT / "implementations" / wildcards.framework).glob("*.py")),
        ],
    output:
        RESULTS / "conformance" / "{framework}.csv",
    log:
        RESULTS / "logs" / "conform-{framework}.log",
    benchmark:
        RESULTS / "benchmarks" / "conform-{framework}.tsv"
    # The longest jobs of a small configuration: started last they would run alone at its end.
    priority: 1
    params:
        results=lambda wildcards, output: Path(output[0]).parents[1],
        cache=lambda wildcards: str(results_folder.cache_folder(RESULTS, wildcards.framework)),
        kernels=lambda wildcards: " ".join(
            f"--kernel {name}" for name in CONFIGURATION.kernels_in_use(wildcards.framework)
        ),
        device=CONFIGURATION.resolved["device"],
    # As with a run: a process that dies becomes rows that did not pass.
    shell:
        "(python -m harness conform --framework {wildcards.framework} {params.kernels}"
        " --device {params.device}"
        " --results {params.results:q} --cache {params.cache:q} --output {output:q}"
        " || python -m harness conform --framework {wildcards.framework} {params.kernels}"
        " --device {params.device}"
        " --output {output:q} --code $?) 2> {log:q}"
