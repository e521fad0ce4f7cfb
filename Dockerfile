# GateBench as its README installs it; docs/clusters.md builds and uses it.
FROM debian:bookworm-slim
# What the README asks for, Python and make; git, so that records name their commit.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git make python3 python3-venv
WORKDIR /gatebench
COPY . .
RUN make .venv/ready
ENV PATH=/gatebench/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Says what would run; a package that is missing shows here.
RUN snakemake --cores all -n
CMD ["snakemake", "--cores", "all"]
