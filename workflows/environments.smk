# The environments that a configuration names, each made once, for whatever results folder.


# Few machines of a cluster reach the registries that packages come from.
localrules:
    environment,


rule environment:
    input:
        what_an_environment_needs,
    output:
        environments.folder() / "{environment}.json",
    log:
        RESULTS / "logs" / "environment-{environment}.log",
    benchmark:
        RESULTS / "benchmarks" / "environment-{environment}.tsv"
    # All that runs there waits for it.
    priority: 3
    resources:
        **BOUNDS,
    params:
        asked=lambda wildcards: CONFIGURATION.environments[wildcards.environment].as_json(),
    # One that cannot be made is described as such, so that its runs say why they are unavailable.
    shell:
        "python -m harness environment --plan {params.asked:q} --output {output:q} 2> {log:q}"


# What a framework in such an environment could not make there with NumPy alone.
rule hand_over:
    input:
        stamp(
            "hand-over",
            [
                *code_of("cells", "tasks", "harness/conformance"),
                *(ROOT / "workflows" / f"{name}.yaml" for name in ("rates", "tracks")),
            ],
        ),
    output:
        touch(environment.handed_by(RESULTS) / "whole"),
    log:
        RESULTS / "logs" / "hand-over.log",
    benchmark:
        RESULTS / "benchmarks" / "hand-over.tsv"
    priority: 3
    resources:
        **BOUNDS,
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
        named=" ".join(what_is_handed_over()),
    shell:
        "python -m harness hand-over --output {params.folder:q} {params.named} > {log:q} 2>&1"
