# The code that jobs stand on: of each part of it one small file that is newer when it has changed.
# Jobs depend on these and not on the files of the project. So there are few inputs to weigh, and
# where a storage carries them, as on machines that share no disk, the project is none of them.


localrules:
    code,


rule code:
    input:
        lambda wildcards: of_the_project(CODE.get(wildcards.part, [])),
    output:
        RESULTS / "code" / "{part}.txt",
    log:
        RESULTS / "logs" / "code-{part}.log",
    resources:
        **BOUNDS,
    params:
        # Of what hangs on the output Snakemake keeps nothing: the project may move.
        root=lambda wildcards, output: ROOT,
        names=lambda wildcards, output: [
            os.path.relpath(path, ROOT) for path in CODE.get(wildcards.part, [])
        ],
    # By names that are the same on every machine.
    shell:
        "(cd {params.root:q} && cksum {params.names:q}) > {output:q} 2> {log:q}"
