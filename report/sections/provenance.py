"""What the first screen says of where the numbers come from."""

from typing import Any

from report import words
from report.answers.phrases import plural
from report.numbers import number
from report.tables import Tables, rows


def of(tables: Tables) -> dict[str, Any]:
    """Machine, versions, commits, dates, budget, and what the clock can tell."""
    runs, machines = tables["runs"], tables.rows("machines")
    ratios = tables["speed_ratios"]
    # Not those of the sweeps, which have no peak of their own.
    shapes = set(tables["peaks"]["shape"])
    bad = runs.loc[runs["status"] != "ok", "status"].value_counts()
    return {
        "line": _line(tables),
        "runs": plural(len(runs), "run"),
        "ended": ", ".join(f"{number(n)} {status}" for status, n in bad.items()),
        "machines": _machines(machines),
        "versions": versions(machines),
        "commits": [str(commit)[:12] for commit in dict.fromkeys(runs["git_commit"].dropna())],
        "changed": any("+changes" in str(commit) for commit in runs["git_commit"]),
        "first": str(runs["finished"].min())[:10],
        "last": str(runs["finished"].max())[:10],
        "seeds": runs["seed"].nunique(),
        "threads": ", ".join(str(n) for n in dict.fromkeys(runs["threads"].dropna())),
        "devices": ", ".join(str(n) for n in dict.fromkeys(runs["device"].dropna())),
        "core_hours": float(tables["cost"]["core_seconds"].sum()) / 3600 or None,
        "controls": rows(ratios[(ratios["kind"] == "aa") & ratios["shape"].isin(shapes)]),
    }  # fmt: skip


def _machines(machines: list[dict[str, Any]]) -> list[str]:
    """Every machine once; where there are several, with the number of its runs."""
    runs: dict[str, int] = {}
    for m in machines:
        name = f"{m['processor']}, {number(m['cores'])} cores, {m['memory_gb']} GB, {m['system']}"
        runs[name] = runs.get(name, 0) + int(m["runs"] or 0)
    if len(runs) < 2:
        return list(runs)
    return [f"{name}: {plural(count, 'run')}" for name, count in runs.items()]


def _line(tables: Tables) -> str:
    """Machine, versions, commit and date."""
    runs, machines = tables["runs"], tables.rows("machines")
    where = dict.fromkeys(
        f"{plural(m['cores'] or 0, 'core')} of {m['processor']}, {number(m['memory_gb'])} GB, "
        f"{str(m['system']).split('-')[0]}"
        for m in machines
    )
    commits = [str(commit)[:9] for commit in dict.fromkeys(runs["git_commit"].dropna())]
    changed = any("+changes" in str(commit) for commit in runs["git_commit"])
    days = list(dict.fromkeys(str(runs["finished"].agg(end))[:10] for end in ("min", "max")))
    parts = [
        "; ".join(where),
        ", ".join(versions(machines)),
        f"commit {', '.join(commits)}{' with changes' if changed else ''}" if commits else "",
        " to ".join(days),
    ]
    return " · ".join(filter(None, parts))


def versions(machines: list[dict[str, Any]]) -> list[str]:
    """Python's versions, and each framework's: of the first package that its records name.

    All records begin with Python and NumPy, which is the framework's own where it has no other;
    a damaged record names none.
    """
    found: dict[str, None] = {}
    for row in (row for row in machines if row["packages"]):
        packages = [part.partition(" ") for part in row["packages"].split(", ")]
        for name, _, version in packages[:1]:
            found[f"{name.capitalize()} {version or '?'}"] = None
        own = [version for name, _, version in packages[1:] if name != "numpy"]
        own = own or [version for _, _, version in packages[1:]]
        found[words.versioned(row["framework"], own[0] if own else "?")] = None
    return list(found)
