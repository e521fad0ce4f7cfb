"""``python -m analysis STAGE``: the tables of a results folder, and what is made from them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness.errors import UserError, one_of, status_of
from harness.registry import task_names


def main(words: list[str]) -> int:
    """Run one stage; a :class:`UserError` ends it with one sentence and status 2."""
    arguments = _parser().parse_args(words)
    return status_of(lambda: int(arguments.do(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    stages = parser.add_subparsers(required=True, metavar="STAGE")

    def stage(name: str, do: object, says: str) -> argparse.ArgumentParser:
        found = stages.add_parser(name, help=says)
        found.add_argument("--results", type=Path, required=True, metavar="FOLDER")
        found.set_defaults(do=do)
        return found

    stage("tables", _tables, "write the tables of the runs, from their records")
    stage("evidence", _evidence, "judge the claims, compare the methods and advise")
    stage("published", _published, "compare runs with the published values")
    insides = stage(
        "insides", _insides, "look into the gates: gradients, saturation, memory, from weights"
    )
    only = insides.add_mutually_exclusive_group()
    only.add_argument("--task", help="only this task's part, without the tables of all")
    only.add_argument("--join", action="store_true", help="only the tables, from the parts")
    timing = stage("timing", _timing, "write the clock's tables")
    timing.add_argument("campaigns", nargs="*", help="the campaigns to make tables of")
    reference = stage(
        "reference",
        _reference,
        "make a finished run the reference to verify others against",
    )
    reference.add_argument("--target", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    verify = stage(
        "verify", _verify, "compare a results folder with the reference; status 1 where it fails"
    )
    verify.add_argument(
        "--reference", type=Path, metavar="FOLDER", help="the reference (results/reference)"
    )
    verify.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    compare = stage(
        "compare", _compare, "set two results folders side by side: machines, versions, commits"
    )
    compare.add_argument(
        "--other", type=Path, required=True, metavar="FOLDER", help="what to compare with"
    )
    compare.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    crate = stage(
        "crate", _crate, "describe a results folder as a Workflow Run RO-Crate, to archive and cite"
    )
    crate.add_argument("--configuration", metavar="JSON", help=argparse.SUPPRESS)
    return parser


def _tables(arguments: argparse.Namespace) -> int:
    from analysis.tables import stage

    stage.write(arguments.results)
    return 0


def _evidence(arguments: argparse.Namespace) -> int:
    from analysis.evidence import evidence_tables

    evidence_tables.write(arguments.results)
    return 0


def _published(arguments: argparse.Namespace) -> int:
    from analysis.evidence import published

    published.write(arguments.results)
    return 0


def _insides(arguments: argparse.Namespace) -> int:
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
    return 0


def _timing(arguments: argparse.Namespace) -> int:
    from analysis.speed import stage

    stage.write(arguments.results, arguments.campaigns)
    return 0


def _reference(arguments: argparse.Namespace) -> int:
    from analysis.folders import reference_results

    target = arguments.target or reference_results.FOLDER
    command = f"python -m analysis reference --results {arguments.results.name}"
    about = reference_results.make(arguments.results, target, command)
    counts = f"{about['runs']} runs, {len(about['seeds'])} seeds, {len(about['tables'])} tables"
    print(f"{target}: {counts}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from analysis.folders import reference_results, verification

    verification.verify(arguments.results, arguments.reference or reference_results.FOLDER)
    # In the pipeline the verdict is said, and becomes the status, at its very end.
    return 0 if arguments.quiet else verification.status(arguments.results)


def _compare(arguments: argparse.Namespace) -> int:
    from analysis.folders import compare

    compare.compare(arguments.results, arguments.other)
    if not arguments.quiet:
        compare.say(arguments.results)
    return 0


def _crate(arguments: argparse.Namespace) -> int:
    from analysis import crate

    configuration = json.loads(arguments.configuration) if arguments.configuration else None
    crate.write(arguments.results, configuration)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
