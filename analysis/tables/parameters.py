"""How many parameters each framework counts, and how many there are by formula."""

import pandas as pd

import cells
from analysis.tables.groups import Rows
from cells import ModelSpec
from harness.conformance import parameter_counts
from harness.plan.settings import resolve
from harness.plan.tracks import model_spec
from harness.registry import framework as framework_named
from harness.run.records import Record


def rows(found: list[Record], checks: Rows) -> Rows:
    """Weights and biases by cell and convention: the article's model and each task's.

    ``redundant`` biases are those beyond the cell's own, which are one for each gate and one for
    each inside a product; ``counted`` is the framework's own total, ``total`` the formula's.
    """
    counted: dict[tuple[str, str, str, str], tuple[ModelSpec, int, str]] = {}
    for row in checks:
        if row["check"].startswith("parameters of") and not pd.isna(row["counted"]):
            spec = parameter_counts.article(row["cell"])
            key = ("the article's", row["framework"], row["track"], row["cell"])
            counted[key] = spec, int(row["counted"]), row["kernel"]
    for r in found:
        if r["track"] in ("matched", "native") and r["parameters"]["total"]:
            key = (r["task"], r["framework"], r["track"], r["cell"])
            if key not in counted:
                spec = model_spec(r["cell"], resolve(r["task"], r["settings"], "a record"))
                counted[key] = spec, r["parameters"]["total"], r["kernel"]
    result: Rows = []
    for (model, framework, track, cell), (spec, count, kernel) in counted.items():
        its = framework_named(framework)
        layer = parameter_counts.biases(its, track, cell, kernel)
        total = parameter_counts.formula(its, track, spec, kernel=kernel)
        biases = spec.layers * layer * spec.hidden + spec.outputs
        redundant = max(0, layer - cells.cell(cell).biases)
        result.append({
            "model": model, "framework": framework, "track": track, "cell": cell,
            "matrices": total - biases, "biases": biases,
            "redundant": spec.layers * redundant * spec.hidden,
            "total": total, "counted": count, "agrees": count == total,
        })  # fmt: skip
    standard = {
        (r["model"], r["framework"], r["track"]): r for r in result if r["cell"] == cells.STANDARD
    }
    for row in result:
        model, framework, track = row["model"], row["framework"], row["track"]
        base = standard.get((model, framework, track))
        spec = counted[model, framework, track, row["cell"]][0]
        # Ratios are those at equal hidden size; a configuration may give each cell its own.
        same = (model, framework, track, cells.STANDARD)
        if base is not None and spec.hidden == counted[same][0].hidden:
            # The output layer is no part of the cell.
            output = spec.hidden * spec.outputs
            ratio = (row["matrices"] - output) / (base["matrices"] - output)
            row |= {"matrices_to_lstm": ratio, "total_to_lstm": row["total"] / base["total"]}
    return result
