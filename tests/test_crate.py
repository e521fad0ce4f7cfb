"""Each results folder as a Workflow Run RO-Crate: read back, whole, and true."""

import json
import shutil
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from rocrate.rocrate import ROCrate

from analysis import crate
from harness import layout
from harness.errors import UserError
from harness.plan import configuration
from tests.conftest import ROOT
from tests.test_configuration import default
from tests.test_verify import folder


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A folder as the pipeline leaves it, with a file that nobody knows."""
    path = folder(tmp_path_factory.mktemp("crate") / "my results", seeds=2)
    (path / "report.html").write_text("<p>A page.</p>")
    (path / "my notes & more.csv").write_text("a\n1\n")
    (path / "logs").mkdir()
    (path / "cache").mkdir()
    # As the command line passes them on.
    asked = default() | {"results": str(path), "seeds": ["0", "1", "2", "3", "4"]}
    crate.write(path, configuration.load(asked, []).resolved)
    return path


@pytest.fixture
def read(results) -> ROCrate:
    return ROCrate(results)


def identifiers(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else one.id for one in found]


def test_it_says_which_profiles_it_follows(read):
    profiles = identifiers(read.root_dataset["conformsTo"])
    assert profiles == [
        "https://w3id.org/ro/wfrun/process/0.5", "https://w3id.org/ro/wfrun/workflow/0.5",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    ]  # fmt: skip
    for profile in profiles:
        entity = read.get(profile)
        assert entity.type == "CreativeWork"
        assert entity["version"] == profile.rsplit("/")[-1]
    assert read.version == "1.1"


def test_the_root_has_what_a_citation_needs(read):
    root = read.root_dataset
    assert root["name"] == "GateBench results: gru in pytorch on adding, copying, sine"
    assert "6 of 6 runs ended well; seeds: 0, 1" in root["description"]
    assert root["license"].id == "https://spdx.org/licenses/MIT"
    assert root["author"]["name"] == "The GateBench authors"
    assert pd.Timestamp(root["datePublished"]).tzinfo is not None


def test_the_workflow_is_the_main_entity(read, results):
    workflow = read.mainEntity
    assert workflow.id == "workflow/Snakefile"
    assert set(workflow.type) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert workflow["programmingLanguage"]["name"] == "Snakemake"
    assert workflow["version"] == "0123456789abcdef" * 4 + "+changes"
    assert (results / workflow.id).read_text() == (ROOT / "Snakefile").read_text()
    copied = sorted(path.name for path in (results / "workflow" / "workflows").iterdir())
    assert copied == sorted(path.name for path in (ROOT / "workflows").glob("*.smk"))
    software = {(one["name"], one["softwareVersion"]) for one in workflow["softwareRequirements"]}
    assert ("torch", "2.13.0") in software
    assert ("snakemake", workflow["programmingLanguage"]["version"]) in software
    named = [one.id for one in workflow["softwareRequirements"]]
    assert len(named) == len(set(named))


def test_the_run_links_configuration_and_results(read):
    (action,) = read.get_by_type("CreateAction")
    assert identifiers(read.root_dataset["mentions"]) == [action.id]
    assert action["instrument"].id == "workflow/Snakefile"
    assert identifiers(action["object"]) == ["workflow/configuration.yaml"]
    made = identifiers(action["result"])
    assert {"report.html", "runs.csv", "runs/", "my%20notes%20%26%20more.csv"} <= set(made)
    assert not [name for name in made if name.startswith("workflow/")]
    assert "0123456789abcdef" in action["description"]
    # Each run took 30 s and ended at the hour.
    assert action["startTime"] == "2025-12-31T23:59:30+00:00"
    assert action["startTime"] < action["endTime"] == read.root_dataset["datePublished"]
    assert read.get("logs/")["about"].id == action.id


def test_every_file_and_folder_that_it_names_is_there_and_described(read, results):
    assert len(read.data_entities) > 20
    for entity in read.data_entities:
        path = results / unquote(entity.id)
        assert path.is_dir() if entity.id.endswith("/") else path.is_file(), entity.id
        assert path.resolve().is_relative_to(results.resolve())
        assert entity["name"]
        assert entity["description"]
    named = {unquote(entity.id) for entity in read.data_entities}
    assert {path.name for path in results.glob("*.csv")} <= named
    assert "cache/" not in named


def test_every_reference_leads_to_an_entity(results):
    graph = json.loads((results / crate.NAME).read_text())["@graph"]
    known = {entity["@id"] for entity in graph}
    assert len(known) == len(graph)
    for entity in graph:
        for key, value in entity.items():
            for one in value if isinstance(value, list) else [value]:
                # What a standard or a language is called is no entity of ours.
                outside = key in ("conformsTo", "identifier", "url")
                if isinstance(one, dict) and not outside:
                    assert one["@id"] in known, (entity["@id"], key)


def test_the_configuration_in_it_asks_for_the_same_again(results, tmp_path):
    text = (results / crate.CONFIGURATION).read_text()
    again = yaml.safe_load(text)
    assert set(again) == set(default()) - set(configuration.PLACES)
    places = {"results": str(tmp_path), "other": "", "shard": ""}
    assert (
        configuration.load(again | places, []).runs
        == configuration.load(default() | places | {"seeds": [0, 1, 2, 3, 4]}, []).runs
    )


def test_no_path_of_the_machine_is_in_it(results):
    for name in (crate.NAME, crate.CONFIGURATION):
        assert str(results.parent) not in (results / name).read_text()
        assert str(ROOT) not in (results / name).read_text()


def test_it_is_the_same_until_the_results_change(results, tmp_path):
    before = (results / crate.NAME).read_text()
    asked = (results / crate.CONFIGURATION).read_text()
    crate.write(results)
    assert (results / crate.NAME).read_text() == before
    assert (results / crate.CONFIGURATION).read_text() == asked, "kept where none is given"
    copy = shutil.copytree(results, tmp_path / "copy")
    (copy / crate.WORKFLOW).write_text("an older one")
    (copy / "verify.json").write_text("{}")
    with (copy / "runs.csv").open("a") as file:
        file.write("\n")
    crate.write(copy)
    changed = ROCrate(copy)
    assert changed.get("verify.json")["encodingFormat"] == "application/json"
    assert changed.get_by_type("CreateAction")[0].id not in before
    assert (copy / crate.WORKFLOW).read_text() == "an older one"
    (copy / crate.PARTS / "gone.smk").write_text("")
    crate.write(copy, yaml.safe_load(asked))
    assert (copy / crate.WORKFLOW).read_text() == (results / crate.WORKFLOW).read_text()
    assert not (copy / crate.PARTS / "gone.smk").exists()


def test_tables_alone_are_a_crate_too(results, tmp_path):
    """The reference has no page, no runs and no configuration."""
    copy = shutil.copytree(results, tmp_path / "reference", ignore=lambda _, names: [
        name for name in names if not name.endswith((".csv", ".json")) or name == crate.NAME
    ])  # fmt: skip
    crate.write(copy)
    read = ROCrate(copy)
    (action,) = read.get_by_type("CreateAction")
    assert "object" not in action
    assert "runs.csv" in identifiers(action["result"])


def test_a_folder_without_runs_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"runs\.csv: is not there; run the pipeline first"):
        crate.write(tmp_path)
    (tmp_path / "runs.csv").write_text(",".join(layout.TABLES["runs"].columns) + "\n")
    with pytest.raises(UserError, match=r"runs\.csv: has no rows"):
        crate.write(tmp_path)
    assert not (tmp_path / crate.NAME).exists()


def test_a_reason_of_megabytes_is_no_obstacle(results, tmp_path):
    copy = shutil.copytree(results, tmp_path / "copy")
    runs = pd.read_csv(copy / "runs.csv")
    runs["error"] = runs["error"].astype(object)
    runs.loc[0, "error"] = "x" * 5_000_000
    runs.to_csv(copy / "runs.csv", index=False)
    crate.write(copy)
    assert "6 of 6 runs" in ROCrate(copy).root_dataset["description"]


def test_a_clock_that_jumped_back_makes_no_run_that_ends_before_it_starts(results, tmp_path):
    copy = shutil.copytree(results, tmp_path / "copy")
    runs = pd.read_csv(copy / "runs.csv").assign(finished="2099-01-01T00:00:00+00:00")
    runs.loc[0, "finished"] = "yesterday"
    runs.to_csv(copy / "runs.csv", index=False)
    crate.write(copy)
    (action,) = ROCrate(copy).get_by_type("CreateAction")
    assert action["startTime"] <= action["endTime"]
