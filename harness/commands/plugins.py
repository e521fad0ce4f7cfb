"""The commands that help to add a cell, a task or an implementation: ``new`` and ``check``."""

import argparse

from harness.plan.settings import pairs
from harness.registry import ROOT

# What can be added, and what its page in docs/ calls it.
KINDS = {"cell": "cell", "task": "task", "implementation": "framework"}


def new(arguments: argparse.Namespace) -> None:
    """Write the files of a new plugin."""
    from harness.conformance import scaffold

    kind, name = arguments.kind, arguments.name
    for path in scaffold.new(kind, name):
        print(f"Wrote {path.relative_to(ROOT)}")
    print(f"Next: python -m harness check {kind} {name}; docs/add-a-{KINDS[kind]}.md says more.")


def check(arguments: argparse.Namespace) -> int:
    """Say what is wrong with a plugin; status 1 where anything is."""
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
