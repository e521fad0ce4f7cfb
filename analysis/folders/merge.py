"""Several results folders put together to one: those of the parts of a plan, of other machines.

All of them were asked for by one configuration and made by one version of the code, with the same
packages. What two of them have must be the same in both, but that a finished run stands for one
that failed. Every record keeps its machine, the rows of the checks name theirs, and a campaign of
the clock that several machines timed is kept once for each; nothing is averaged.

The folders are only read. In the new one every file is renamed into place when it is whole, the
plan last, so a merge that was stopped goes on when it is asked for again.
"""

import filecmp
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from analysis import crate
from analysis.folders import mergeable
from analysis.folders.mergeable import Found
from harness import layout
from harness.errors import UserError
from harness.files import digest, replacing, write_text
from harness.pipeline import folder, scheduler
from harness.plan import asked, places
from harness.run import records

# Of a run, in the order in which it is copied: the record comes last.
OF_A_RUN = (("logs", ".log"), ("benchmarks", ".tsv"), ("runs", ".npz"), ("runs", ".json"))
# What stands in a results folder beside what its contract names.
OWN = {"plan.json", "cache", "workflow", crate.NAME}


@dataclass(frozen=True)
class Merged:
    """What a merge came to: its runs, those that no folder has, and its campaigns."""

    runs: int
    missing: list[str]
    campaigns: int


def merge(sources: list[Path], results: Path) -> Merged:
    """Put the folders ``sources`` together in ``results``; they themselves stay as they are.

    Raises :class:`UserError` for the first thing that does not belong together.
    """
    places.results(str(results))
    for source in sources:
        if not source.is_dir():
            raise UserError(f"{source}: is no folder; name results folders to put together.")
        if results.exists() and source.samefile(results):
            raise UserError(
                f"{results}: is one of the folders that are put together; name another one with "
                "--results."
            )
    found = mergeable.read(sources, results)
    wanted = found.asked_for
    names = [run.name for run in wanted.runs]
    missing = [name for name in names if name not in found.runs]
    with folder.taken(results):
        _refuse_other_things(found, results)
        _copy(found, results)
        _costs(sources, results)
        asked_for = found.plan["configuration"]
        text = yaml.safe_dump(asked_for, sort_keys=False, allow_unicode=True)
        write_text(results / crate.CONFIGURATION, text)
        asked.write_plan(
            results, wanted.runs, missing, wanted.conformance,
            tuple(campaign.name for campaign in wanted.campaigns), wanted.studies,
            {"configuration": asked_for, "code": found.plan["code"]},
        )  # fmt: skip
    return Merged(len(found.runs), missing, len(found.campaigns))


def say(results: Path, merged: Merged) -> None:
    """Say what there is now, what is not, and what makes the tables and the page of it."""
    clock = f", {merged.campaigns} campaigns of the clock" if merged.campaigns else ""
    print(f"{results}: {merged.runs} runs{clock}")
    if merged.missing:
        some = f"{len(merged.missing)} of the plan's runs are in none of the folders"
        print(f"{some}, such as {merged.missing[0]}; the pipeline makes them")
    print(
        f"Its tables and page: snakemake --cores all --configfile {results / crate.CONFIGURATION} "
        f"--config results={results}"
    )


def _refuse_other_things(found: Found, results: Path) -> None:
    """Refuse a folder that holds what would be lost in, or mixed with, what is merged."""
    known = {*OWN, *layout.FOLDERS, *layout.FILES, *(f"{name}.csv" for name in layout.TABLES)}
    for path in sorted(results.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            raise _other_things(path, "no part of a results folder")
    plan = asked.read_plan(results)
    if plan["configuration"] not in ({}, found.plan["configuration"]):
        raise _other_things(results / "plan.json", "of another configuration than the folders")
    for path in sorted((results / "runs").glob("*.json")):
        if path.stem not in found.runs:
            raise _other_things(path, "a run that none of the folders has")
        source, _ = found.runs[path.stem]
        if not records.unfinished(path) and not mergeable.same(source, path):
            raise _other_things(path, f"another run than {source}")
    kept = Found(found.plan, found.asked_for)
    mergeable.take_campaigns(kept, results)
    for key, path in kept.campaigns.items():
        if key not in found.campaigns or not mergeable.same(found.campaigns[key], path):
            raise _other_things(path, "a campaign that none of the folders has")


def _other_things(path: Path, what: str) -> UserError:
    return UserError(f"{path}: is {what}; name an empty or a new folder with --results.")


def _copy(found: Found, results: Path) -> None:
    """Copy what was found: code and checks first, since what stands on them must not be older."""
    for source in sorted({path.parents[1] for path, _ in found.runs.values()}):
        for path in sorted((source / "code").glob("*.txt")):
            _put(path, results / "code" / path.name)
    mergeable.take_checks(found, results)
    for framework, tables in found.checks.items():
        # In an order of their own, so that that of the folders decides nothing.
        ordered = sorted(tables, key=_text)
        rows = pd.concat(ordered).fillna("")
        # A check is the same whether it was made there or kept from before.
        rows = rows.drop_duplicates([name for name in rows if name != "kept"])
        write_text(results / "conformance" / f"{framework}.csv", _text(rows))
    for name, (path, _) in found.runs.items():
        for part, end in OF_A_RUN:
            _put(path.parents[1] / part / f"{name}{end}", results / part / f"{name}{end}")
    taken = set()
    for (name, machine), path in sorted(found.campaigns.items()):
        # The first machine's has the plain name, by which the pipeline knows that it is done.
        place = f"{name}{layout.ELSEWHERE}{hashlib.sha256(machine.encode()).hexdigest()[:8]}"
        place = place if name in taken else name
        taken.add(name)
        for end in (".log", ".csv", ".json"):
            _put(path.with_suffix(end), results / "timing" / f"{place}{end}", anew=True)


def _text(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False))


def _put(source: Path, target: Path, anew: bool = False) -> None:
    """Copy a file that is there; one that is there already stays, but where it must be newer."""
    if not source.exists():
        return
    if anew or not target.exists() or not filecmp.cmp(source, target, shallow=False):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def _costs(sources: list[Path], results: Path) -> None:
    """Keep what pipelines and preloaders cost, each once, which the table of costs adds up."""
    parts = [folder / "benchmarks" for folder in (*sources, results)]
    lines: set[str] = set()
    for path in (part / "pipeline.tsv" for part in parts):
        if path.exists():
            lines.update(path.read_text(encoding="utf-8").splitlines()[1:])
    if lines:
        text = "\n".join([scheduler.HEADER, *sorted(lines), ""])
        write_text(parts[-1] / "pipeline.tsv", text)
    for path in (one for part in parts[:-1] for one in sorted(part.glob("preload-*.tsv"))):
        name = path.stem.partition(layout.ELSEWHERE)[0]
        _put(path, parts[-1] / f"{name}{layout.ELSEWHERE}{digest(path)[:8]}.tsv")
