"""A command line as two tables: the options by name, and the commands with those that they take."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = {"type": Path, "metavar": "FOLDER"}
FILE = {"type": Path, "metavar": "FILE"}
# How `argparse` reads an option; `flag` is its name on the command line where it has another.
Options = Mapping[str, Mapping[str, Any]]
# What carries a command out, its options (those with a ? may be left out), and a sentence on it.
Commands = Mapping[str, tuple[Callable[[argparse.Namespace], int | None], str, str]]


def parser(
    program: str, says: str | None, options: Options, commands: Commands
) -> argparse.ArgumentParser:
    """The parser of a table; what it parses has the command's function as ``do``."""
    found = argparse.ArgumentParser(prog=f"python -m {program}", description=says)
    each = found.add_subparsers(required=True, metavar="COMMAND")
    for name, (do, words, sentence) in commands.items():
        own = each.add_parser(name, help=sentence, description=sentence)
        own.set_defaults(do=do)
        for word in words.split():
            key = word.rstrip("?")
            how = dict(options[key])
            flag = how.pop("flag", f"--{key}")
            if flag.startswith("-"):
                how |= {"dest": key, "required": word == key and "default" not in how}
            own.add_argument(flag, **how)
    return found
