# Two commands do everything on a fresh machine with Python 3.11+: make report, make test.
# Nothing depends on make: with the environment active, `snakemake --cores all` is the same.

PYTHON ?= python3
BIN := .venv/bin
CORES ?= all

.PHONY: report quick full attribution cells papers versions tune verify compare test tests lint bench picture lock clean

report: .venv/ready
	$(BIN)/snakemake --cores $(CORES)

quick: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/quick.yaml

full: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/full.yaml

attribution: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/attribution.yaml

# Which gate matters: every cell, on five tasks.
cells: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/cells.yaml

# Published values again: what takes less than an hour. The chorales' file is fetched before, by
# python -m harness fetch jsb_chorales; without it they are left out.
papers: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/papers.yaml

# Two versions of each framework side by side: docs/versions.md.
versions: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --configfile workflows/config/versions.yaml

# Chooses learning rates by task and cell on validation data and writes workflows/rates.yaml.
tune: .venv/ready
	$(BIN)/snakemake tables --cores $(CORES) --configfile workflows/config/tune.yaml
	$(BIN)/python -m analysis rates --results results/tune --write

# Like report, then compared with results/reference; status 1 (in make's words: 2) where it fails.
verify: .venv/ready
	$(BIN)/snakemake --cores $(CORES) verify

# Like report, then set beside another results folder: make compare OTHER=PATH.
compare: .venv/ready
	$(BIN)/snakemake --cores $(CORES) compare --config 'other=$(OTHER)'

# The page of the folders in results/machines/, other people's among them.
.PHONY: site
site: .venv/ready
	$(BIN)/python -m analysis site
	$(BIN)/python -m report.site

# Both at once: the type check would keep one core busy for a minute and leave the other idle.
test: .venv/ready
	$(MAKE) -j2 lint tests

tests: .venv/ready
	$(BIN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflows

bench: .venv/ready
	$(BIN)/python -m benchmarks.article_model

# The README's picture, of the report in results/.
picture: .venv/ready
	$(BIN)/python -m benchmarks.report_picture

# Renamed into place when it is whole: an interrupted install is done again.
.venv/ready: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("GateBench needs Python 3.11 or newer; name one, as in make report PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

# Pins every package by name and version. The accelerator packages of one PyTorch build are
# left out: each build asks for its own.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
		pyproject.toml \
		| grep -vE '^(nvidia-|cuda-|triton|torch==)' > requirements.txt.new
	echo 'torch==2.13.0' >> requirements.txt.new
	mv requirements.txt.new requirements.txt

clean:
	rm -rf .venv .snakemake .environments
