"""The commands that help to add a cell, a task or an implementation: ``new`` and ``check``."""

from __future__ import annotations

import argparse
from typing import Any

from harness.plan.settings import pairs
from harness.registry import ROOT

# What can be added, and what its page in docs/ calls it.
KINDS = {"cell": "cell", "task": "task", "implementation": "framework"}


def add_commands(commands: Any) -> None:
    """Add both to the command line's ``commands``."""
    new = commands.add_parser(
        "new", help="write a working file to start a cell, a task or an implementation from"
    )
    check = commands.add_parser(
        "check", help="check one cell, task or implementation: one sentence for each finding"
    )
    for parser, do in ((new, _new), (check, _check)):
        parser.add_argument("kind", choices=KINDS)
        parser.add_argument("name", metavar="NAME", help="small letters, digits and _")
        parser.set_defaults(do=do)
    check.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="a parameter of the task, such as path=my.csv",
    )  # fmt: skip


def _new(arguments: argparse.Namespace) -> int:
    from harness.conformance import scaffold

    kind, name = arguments.kind, arguments.name
    for path in getattr(scaffold, f"new_{kind}")(name):
        print(f"Wrote {path.relative_to(ROOT)}")
    print(f"Next: python -m harness check {kind} {name}; docs/add-a-{KINDS[kind]}.md says more.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from harness.conformance import cell_contract, contract, framework_contract

    kind, name = arguments.kind, arguments.name
    if kind == "task":
        found = contract.check_task(name, pairs(arguments.overrides))
    elif kind == "cell":
        found = cell_contract.check_cell(name)
    else:
        found = framework_contract.check_framework(name)
    for sentence in found:
        print(sentence)
    wrong = f"{len(found)} finding{'s' if len(found) > 1 else ''}"
    print(f"{kind} {name}: {wrong if found else 'keeps its contract'}")
    return int(bool(found))
