# Every implementation against the NumPy reference, a job for each.


rule conform:
    input:
        what_a_check_needs,
    output:
        RESULTS / "conformance" / "{framework}.csv",
    log:
        RESULTS / "logs" / "conform-{framework}.log",
    benchmark:
        RESULTS / "benchmarks" / "conform-{framework}.tsv"
    # The longest jobs of a small configuration: started last they would run alone at its end.
    priority: 1
    threads: CONFIGURATION.threads
    resources:
        **ON_DEVICE,
        mem_mb=MEMORY_MB,
        runtime=math.ceil(CONFIGURATION.limits.gate_seconds / 60) + BESIDE_MINUTES,
    params:
        results=lambda wildcards, output: Path(output[0]).parents[1],
        kernels=lambda wildcards: " ".join(
            f"--kernel {name}" for name in CONFIGURATION.kernels_in_use(wildcards.framework)
        ),
        options=lambda wildcards: " ".join(
            [
                f"--threads {CONFIGURATION.threads}",
                f"--device {CONFIGURATION.device_of(wildcards.framework)}",
                f"--precision {CONFIGURATION.resolved['precision']}",
                *(["--together"] if BATCHES else []),
                *option("--environment", CONFIGURATION.environment_of(wildcards.framework)),
            ]
        ),
    # As with a run: a process that dies becomes rows that did not pass.
    shell:
        "(python -m harness conform --framework {wildcards.framework} {params.kernels}"
        " {params.options} --results {params.results:q} --output {output:q}"
        " || python -m harness conform --framework {wildcards.framework} {params.kernels}"
        " {params.options} --output {output:q} --code $?) 2> {log:q}"
