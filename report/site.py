"""``python -m report.site``: the page that sets contributed folders beside each other.

Written to ``results/site/index.html`` from the tables of ``python -m analysis site``, by the means
of the report: its style, its macros, its figures.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from harness import layout
from harness.errors import status_of
from harness.files import write_text
from report import page, words
from report.answers import Answer
from report.answers.phrases import capital, frameworks, plural, ratio
from report.answers.speed import machine
from report.figures.style import Palette
from report.numbers import listed
from report.sections import claim_words, speed_figures
from report.sections.claim_words import VERDICTS
from report.site_figure import steps
from report.tables import SITE, rows

FOLDER = Path("results") / SITE
MODEL = ["shape", "batch", "sequence_length", "input_size", "hidden", "layers", "cell"]
Row = dict[str, Any]
# How claims are grouped: by what comes out on all machines, and the answer; of one, and of several.
GROUPS = (
    (
        ("everywhere", "supported"),
        ("holds on every machine that tested it", "hold on every machine that tested them"),
    ),
    (
        ("everywhere", "refuted"),
        ("holds on no machine that tested it", "hold on no machine that tested them"),
    ),
    (
        ("where decided", "supported"),
        ("holds wherever the runs can tell", "hold wherever the runs can tell"),
    ),
    (
        ("where decided", "refuted"),
        ("holds nowhere that the runs can tell", "hold nowhere that the runs can tell"),
    ),
    (("differs", ""), ("comes out differently", "come out differently")),
    (("open", ""), ("is open on every machine", "are open on every machine")),
)


def write(folder: Path) -> Path:
    """Write ``index.html`` into ``folder`` from the tables there; the page's path."""
    tables = {name: layout.read(folder, name) for name in layout.names(SITE)}
    environment = page.environment(page.HERE)
    macros: Any = environment.get_template("sections/macros.html").module
    text = environment.get_template("site.html").render(
        content(tables),
        style=Markup((page.HERE / "style.css").read_text(encoding="utf-8")),
        terms={name: words.TERMS[name] for name in ("interval", "step", "kernel")},
        term=words.term, table=macros.table, fold=macros.fold, lead=macros.lead,
    )  # fmt: skip
    write_text(folder / "index.html", text)
    return folder / "index.html"


def content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """What the page shows: the machines, who is fastest where, and what holds everywhere."""
    timed = tables["site_steps"]
    palette = Palette.of(timed["framework"], timed["cell"])
    agreed = tables["site_agreement"]
    paces, judged = (rows(agreed[agreed["about"] == about]) for about in ("fastest", "claim"))
    folders = list(dict.fromkeys(tables["site_folders"]["folder"]))
    return {
        "answer": _answer(folders, paces, judged),
        "folders": folders,
        # Names of folders are words of text.
        "heads": [f"{name}|" for name in folders],
        "machines": rows(tables["site_folders"]),
        "frameworks": palette.frameworks,
        "columns": [*map(words.framework, palette.frameworks), "fastest there|"],
        "models": [_model(tables, pace, palette) for pace in paces],
        "figure": steps(timed, palette) if len(timed) else Markup(),
        "groups": _groups(judged, tables["site_claims"], folders),
        "verdicts": VERDICTS,
    }


def _answer(folders: list[str], paces: list[Row], judged: list[Row]) -> Answer:
    """Whether it is the same everywhere: of what was timed or tested more than once."""
    if not folders:
        return Answer("No results folder has been contributed yet.")
    if len(folders) == 1:
        return Answer("One folder has been contributed, so there is nothing yet to compare.")
    paces, judged = ([row for row in some if row["machines"] > 1] for some in (paces, judged))
    same = sum(row["says"] == "everywhere" for row in paces)
    text = f"For {same} of {plural(len(paces), 'model')} timed on several machines, one framework "
    text += "is fastest, or as fast as any, on all of them."
    found = [(row["says"], row["answer"]) for row in judged]
    everywhere, nowhere = (found.count(("everywhere", one)) for one in ("supported", "refuted"))
    apart = sum(says == "differs" for says, _ in found)
    counts = [
        f"{everywhere} {'holds' if everywhere == 1 else 'hold'} on every machine",
        f"{nowhere} on none",
        f"{apart} {'comes' if apart == 1 else 'come'} out differently",
    ]
    evidence = f"Of {plural(len(judged), 'published claim')} tested more than once, "
    return Answer(
        text if paces else "No model was timed on more than one machine yet.",
        f"{evidence}{listed(counts)}." if judged else "",
    )


def _model(tables: dict[str, pd.DataFrame], pace: Row, palette: Palette) -> Row:
    """A timed model: its sizes, who is fastest on each machine, and each framework's step."""
    steps, fastest = (_same(tables[name], pace) for name in ("site_steps", "site_fastest"))
    return {
        "sizes": capital(speed_figures.sizes(steps)),
        "shape": pace["shape"],
        "cell": pace["cell"],
        "says": _agreement(pace),
        "lines": [
            {
                "folder": row["folder"],
                "machine": machine(row["machine"]).removeprefix("on "),
                "ahead": (row["better"] or "").split() if row["verdict"] != "unknown" else [],
                "says": _pace(row),
                "steps": {one["framework"]: one for one in rows(_same(steps, row, "machine"))},
            }
            for row in rows(fastest)
        ],
    }


def _same(table: pd.DataFrame, row: Row, *more: str) -> pd.DataFrame:
    """The rows of a table that are of the same model; with ``more``, in the same folder too."""
    names = [*MODEL, *(("folder", *more) if more else ())]
    found = table
    for name in names:
        found = found[found[name] == row[name]]
    return found


def _agreement(pace: Row) -> str:
    """Of a timed model, on how many machines no framework is faster than which."""
    on = plural(pace["machines"], "machine")
    if pace["says"] == "open":
        return f"too close to call on {on}"
    who = frameworks(pace["answer"].split(), "or")
    return f"none is faster than {who} on {pace['agree']:.0f} of {on}"


def _pace(row: Row) -> str:
    """Who is fastest on one machine, and by how much."""
    names = (row["better"] or "").split()
    if row["verdict"] == "unknown" or not names:
        return "too close to call"
    maybe = "probably " if row["sure"] == "likely" else ""
    if len(names) > 1:
        return f"{maybe}{frameworks(names)}, equally fast"
    # What speaks least for it is a comparison of the two.
    than = f" than {words.framework(row['b'])}" if row["b"] else ""
    said = ratio(row, f"less time{than}", f"more time{than}") if row["effect"] else ""
    return f"{maybe}{words.framework(names[0])}{': ' if said else ''}{said}"


def _groups(judged: list[Row], verdicts: pd.DataFrame, folders: list[str]) -> list[Row]:
    """The claims by what comes out on all machines, each with its verdict in every folder."""
    by_claim = {claim: rows(own) for claim, own in verdicts.groupby("claim", sort=False)}
    groups = []
    for (says, answer), titles in GROUPS:
        claims = [
            row | {"by": [_verdict(by_claim[row["claim"]], folder) for folder in folders]}
            for row in judged
            if row["says"] == says and answer in ("", row["answer"])
        ]
        if claims:
            groups.append({"title": titles[len(claims) > 1], "claims": claims})
    return groups


def _verdict(found: list[Row], folder: str) -> Row:
    """A claim's verdict in one folder: its word, look and mark, and what was measured."""
    for row in found:
        if row["folder"] == folder:
            word, style, mark = VERDICTS[row["verdict"]]
            return {"word": word, "style": style, "mark": mark, "says": claim_words.measured(row)}
    return {"word": "not run", "style": "at", "mark": "–", "says": ""}


def main() -> int:
    """Run the command line and return its status."""
    parser = argparse.ArgumentParser(prog="python -m report.site", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="FOLDER")
    print(write(parser.parse_args().folder))
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
