"""``python -m analysis STAGE``: the tables of a results folder, and what is made from them."""

import argparse
import json
import sys

from harness.commands.table import FOLDER, Commands, Options, parser
from harness.errors import UserError, one_of, status_of
from harness.registry import task_names


def main(words: list[str]) -> int:
    """Run one stage; a :class:`UserError` ends it with one sentence and status 2."""
    arguments = parser("analysis", __doc__, OPTIONS, STAGES).parse_args(words)
    return status_of(lambda: int(arguments.do(arguments) or 0))


def _tables(arguments: argparse.Namespace) -> None:
    from analysis.tables import stage

    stage.write(arguments.results)


def _rates(arguments: argparse.Namespace) -> None:
    from analysis.tables import rates

    rates.write(arguments.results, arguments.write)


def _evidence(arguments: argparse.Namespace) -> None:
    from analysis.evidence import evidence_tables

    evidence_tables.write(arguments.results)


def _published(arguments: argparse.Namespace) -> None:
    from analysis.evidence import published

    published.write(arguments.results)


def _insides(arguments: argparse.Namespace) -> None:
    from analysis.inside import stage

    results = arguments.results
    if arguments.task and arguments.task not in task_names():
        raise one_of("--task", "task", arguments.task, task_names())
    if not results.is_dir():
        raise UserError(f"{results}: is not there; run the pipeline first.")
    names = [arguments.task] if arguments.task else []
    if not arguments.task and not arguments.join:
        names = stage.tasks(stage.planned(results))
    for name in names:
        stage.write_part(results, name)
    if not arguments.task:
        stage.join(results)


def _timing(arguments: argparse.Namespace) -> None:
    from analysis.speed import stage

    stage.write(arguments.results, arguments.campaigns)


def _reference(arguments: argparse.Namespace) -> None:
    from analysis.folders import reference_results

    target = arguments.target or reference_results.FOLDER
    command = f"python -m analysis reference --results {arguments.results.name}"
    about = reference_results.make(arguments.results, target, command)
    counts = f"{about['runs']} runs, {len(about['seeds'])} seeds, {len(about['tables'])} tables"
    print(f"{target}: {counts}")


def _verify(arguments: argparse.Namespace) -> int:
    from analysis.folders import outcome, reference_results, verification

    verification.verify(arguments.results, arguments.reference or reference_results.FOLDER)
    # In the pipeline the verdict is said, and becomes the status, at its very end.
    return 0 if arguments.quiet else outcome.say_verified(arguments.results)


def _compare(arguments: argparse.Namespace) -> None:
    from analysis.folders import compare, outcome

    compare.compare(arguments.results, arguments.other)
    if not arguments.quiet:
        outcome.say_compared(arguments.results)


def _merge(arguments: argparse.Namespace) -> None:
    from analysis.folders import merge

    merge.say(arguments.results, merge.merge(arguments.folders, arguments.results))


def _contribute(arguments: argparse.Namespace) -> None:
    from analysis.folders import machines

    place = machines.contribute(arguments.results, arguments.name)
    size = sum(path.stat().st_size for path in place.iterdir()) / 1e6
    print(f"{place}: {len(list(place.iterdir()))} tables, {size:.1f} MB")
    print("CONTRIBUTING.md says how to send it; make site shows it beside the others.")


def _site(arguments: argparse.Namespace) -> None:
    from analysis.folders import site

    target = arguments.target or site.FOLDER
    count = site.write(target)
    print(f"{target}: tables of {count} contributed folder{'s' if count != 1 else ''}")


def _crate(arguments: argparse.Namespace) -> None:
    from analysis import crate

    configuration = json.loads(arguments.configuration) if arguments.configuration else None
    crate.write(arguments.results, configuration)


OPTIONS: Options = {
    "results": {"help": "the results folder", **FOLDER},
    "task": {"help": "make only this task's part, and no tables"},
    "join": {"action": "store_true", "help": "make only the tables, from the parts of all tasks"},
    "campaigns": {"flag": "campaigns", "nargs": "*", "help": "the campaigns to make tables of"},
    "target": {"help": "where to write (default: the project's own folder)", **FOLDER},
    "name": {"help": "the folder's name: small letters, digits and hyphens"},
    "reference": {"help": "the reference (default: results/reference)", **FOLDER},
    "other": {"help": "the results folder to compare with", **FOLDER},
    "folders": {"flag": "folders", "nargs": "+", "help": "the results folders", **FOLDER},
    "write": {"action": "store_true", "help": "put the rates into workflows/rates.yaml"},
    "quiet": {"action": "store_true", "help": "print nothing: the pipeline says it at its end"},
    "configuration": {"metavar": "JSON", "help": "the configuration of the runs, whole"},
}
STAGES: Commands = {
    "tables": (_tables, "results", "write the tables of the runs, from their records"),
    "rates": (_rates, "results write?", "choose each cell's learning rate on validation data"),
    "evidence": (_evidence, "results", "judge the claims, compare the methods and advise"),
    "published": (_published, "results", "compare runs with the published values"),
    "insides": (_insides, "results task? join?", "look into the gates, from the final weights"),
    "timing": (_timing, "results campaigns", "write the clock's tables"),
    "reference": (_reference, "results target?", "make a finished run the reference results"),
    "verify": (
        _verify, "results reference? quiet?",
        "compare a results folder with the reference results; status 1 where it fails",
    ),
    "compare": (_compare, "results other quiet?", "set two results folders side by side"),
    "merge": (_merge, "folders results", "put several results folders together in a new one"),
    "contribute": (
        _contribute, "results name", "copy a folder's tables to results/machines, and check them",
    ),
    "site": (_site, "target?", "set the folders of results/machines beside each other"),
    "crate": (_crate, "results configuration?", "describe a results folder as an RO-Crate"),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
