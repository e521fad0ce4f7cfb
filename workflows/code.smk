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
    shell:
        "cksum {input:q} > {output:q} 2> {log:q}"
