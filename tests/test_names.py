"""Names: what cannot be one is refused in one sentence, and all others work everywhere."""

import re
import unicodedata
from pathlib import Path

import pytest

from harness import registry
from harness.errors import UserError
from harness.plan import settings
from tasks.csv import Csv
from tests import fakes
from tests.conftest import SMALL, snakemake, table
from tests.test_configuration import load


@pytest.fixture
def here(project, monkeypatch):
    """The names are looked up in a copy of the project."""
    monkeypatch.setattr(registry, "ROOT", project)
    for cached in (registry.task_names, registry.framework_names, registry.known_frameworks):
        cached.cache_clear()
    yield project
    for cached in (registry.task_names, registry.framework_names, registry.known_frameworks):
        cached.cache_clear()


@pytest.mark.parametrize("name", ["my task", "über", "My_task", "a-b", "foo.bar", "1a", "class"])
@pytest.mark.parametrize("kind", ["task", "framework"])
def test_a_plugin_whose_name_cannot_be_one_is_named_where_it_is_asked_for(
    here, tmp_path, name, kind
):
    if kind == "task":
        where = f"tasks/{name}.py"
        (here / where).write_text((here / "tasks" / "adding.py").read_text())
    else:
        where = f"implementations/{name}"
        fakes.add(here, name)
    said = f"{where}: {name!r} cannot be the name of a {kind}; rename it: small letters, digits"
    with pytest.raises(UserError, match=f"^{re.escape(said)}"):
        load(tmp_path, **{f"{kind}s": "all"})
    with pytest.raises(UserError, match=re.escape(f"--config: {kind}s: {said}")):
        load(tmp_path, **{f"{kind}s": [name]})
    # Where it is not, it does no harm.
    fit = {"task": ["adding"], "framework": ["jax"]}[kind]
    assert load(tmp_path, **{f"{kind}s": fit}).runs


@pytest.mark.parametrize("name", ["../adding", "tasks/adding", "adding.py", "", " adding", "."])
def test_a_name_that_leads_elsewhere_is_not_known(tmp_path, name):
    for axis in ("tasks", "frameworks", "cells"):
        with pytest.raises(UserError, match=f"^--config: {axis}: unknown "):
            load(tmp_path, **{axis: [name]})


def series(path: Path, *columns: str) -> None:
    rows = [",".join(str(i * i % (7 + place)) for place in range(len(columns))) for i in range(99)]
    head = ",".join(f'"{name}"' for name in columns)
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([head, *rows]), encoding="utf-8")


def test_folders_files_and_columns_may_have_any_name(tmp_path, project):
    """Spaces, quotes, slashes, dots, dollars and letters of all kinds, through the pipeline."""
    fakes.add(project, "steady")
    data = tmp_path / "mes données" / "d'été 1.0 $HOME.csv"
    series(data, "größe/m", "a, b", "007", "true")
    values = {
        "path": str(data), "columns": 'größe/m, "a, b", 007, true', "batch": 4, "hidden": 4,
        "steps": 3, "evaluate_every": 3, "train_examples": 8, "test_examples": 8,
    }  # fmt: skip
    flow = ", ".join(f"{key}: {plain(value)}" for key, value in values.items())
    config = SMALL | {
        "tasks": "[csv]", "frameworks": "[steady]", "overrides": f"{{csv: {{{flow}}}}}",
    }  # fmt: skip
    results = tmp_path / 'résultats d\'août; "v1.0" & $x (日本)'
    done = snakemake(results, "tables", root=project, **config)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = table(results, "runs")
    assert runs["status"].tolist() == ["ok"]
    assert f"--set 'path={data}'" in runs["command"][0].replace("'\"'\"'", "'")
    assert f"Tables: {results}/" in done.stdout
    again = snakemake(results, "tables", root=project, **config)
    assert "Nothing to be done" in again.stderr


def plain(value: object) -> str:
    """A value as YAML flow has it between single quotes."""
    return "'{}'".format(str(value).replace("'", "''"))


def test_a_column_is_found_however_its_letters_are_written(tmp_path):
    path = tmp_path / "my.csv"
    series(path, unicodedata.normalize("NFD", "Größe"), "b")
    assert Csv(path=str(path), columns=unicodedata.normalize("NFC", "Größe")).outputs == 1


def test_a_name_that_looks_like_a_number_stays_as_it_is(tmp_path):
    path = tmp_path / "my.csv"
    series(path, "007", "1e3")
    given = {"csv": {"path": str(path), "columns": "1e3", "window": "5"}}
    loaded = load(tmp_path, tasks=["csv"], overrides=given)
    task = loaded.settings["csv", "gru"].task
    assert task == settings.resolve("csv", given["csv"], "").task
    assert isinstance(task, Csv)
    assert (task.names, task.window) == (("1e3",), 5)
    assert loaded.resolved["overrides"]["csv"] == given["csv"] | {"window": 5}


def test_what_snakemake_would_take_for_a_wildcard_is_refused(tmp_path):
    for name in ("a{b}", "a\nb"):
        with pytest.raises(UserError, match=r"^--config: results: .* must not have '.*' in its"):
            load(tmp_path, results=str(tmp_path / name))
