"""Every results folder as a Workflow Run RO-Crate, so that it can be archived and cited.

``ro-crate-metadata.json`` says what each file is, which workflow and configuration made it, with
what software and when. The profile is version 0.5, on RO-Crate 1.1: the newest that the validator
knows (https://w3id.org/ro/wfrun/workflow/0.5). What it names lies in the folder; the workflow and
the configuration as it was resolved are copied into ``workflow/``.

Whoever started the pipeline is not known, so no agent is named.
"""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from harness import layout
from harness.errors import UserError
from harness.files import digest, write_text
from harness.registry import ROOT

NAME = "ro-crate-metadata.json"
WORKFLOW = "workflow/Snakefile"
PARTS = "workflow/workflows/"
CONFIGURATION = "workflow/configuration.yaml"
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
KINDS = {
    ".csv": "text/csv", ".json": "application/json", ".html": "text/html",
    ".yaml": "application/yaml",
}  # fmt: skip


def write(results: Path, configuration: Mapping[str, Any] | None = None) -> Path:
    """Write the crate's metadata into ``results``, and beside it what made the folder.

    Without ``configuration`` the workflow and the configuration that are there are kept. Raises
    :class:`UserError` when there are no runs.
    """
    runs = layout.read(results, "runs")
    if runs.empty:
        raise UserError(f"{results / 'runs.csv'}: has no rows; run the pipeline first.")
    _copy_workflow(results, configuration)
    crate = ROCrate(version="1.1")
    start, end = _times(results, runs)
    _describe_root(crate, runs, end)
    workflow = _add_workflow(crate, results, runs)
    made = _add_files(crate, results)
    action = crate.add(ContextEntity(crate, f"#{_identifier(results)}", properties={
        "@type": "CreateAction",
        "name": f"GateBench run of {end:%Y-%m-%d}",
        "description": f"snakemake --cores all --configfile {CONFIGURATION}, of commit "
                       f"{_commits(runs)}: {_counted(runs)}",
        "startTime": start.isoformat(),
        "endTime": end.isoformat(),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }))  # fmt: skip
    action["instrument"] = workflow
    action["result"] = made
    if (results / CONFIGURATION).exists():
        action["object"] = crate.add_file(
            results / CONFIGURATION, CONFIGURATION, properties=_about(CONFIGURATION)
        )
    logs = crate.get("logs/")
    if logs is not None:
        logs["about"] = action
    crate.root_dataset["mentions"] = action
    # Sorted, so that the same folder gives the same file.
    text = json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False)
    write_text(results / NAME, text + "\n")
    return results / NAME


def _copy_workflow(results: Path, configuration: Mapping[str, Any] | None) -> None:
    """Copy the Snakefile with its parts, and write the configuration, all values resolved."""
    if configuration is None and (results / WORKFLOW).exists():
        return
    for old in (results / PARTS).glob("*.smk"):
        old.unlink()
    for path in (ROOT / "Snakefile", *sorted((ROOT / "workflows").glob("*.smk"))):
        target = results / "workflow" / path.relative_to(ROOT)
        write_text(target, path.read_text(encoding="utf-8"))
    if configuration is not None:
        text = yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True)
        write_text(results / CONFIGURATION, text)


def _identifier(results: Path) -> uuid.UUID:
    """A name for the run that is the same as long as its runs are."""
    return uuid.uuid5(uuid.NAMESPACE_OID, digest(results / "runs.csv"))


def _times(results: Path, runs: pd.DataFrame) -> tuple[datetime, datetime]:
    """When the first run started and when the page was written, which comes last."""
    starts = []
    seconds = runs["total_seconds"].fillna(0)
    for ended, took in zip(runs["finished"].astype(str), seconds, strict=True):
        try:
            finished = datetime.fromisoformat(ended).astimezone(UTC)
        except ValueError:
            continue
        starts.append(finished - timedelta(seconds=took))
    last = results / "report.html"
    last = last if last.exists() else results / "runs.csv"
    end = datetime.fromtimestamp(last.stat().st_mtime, UTC).replace(microsecond=0)
    # A clock may have been set back meanwhile.
    return min([*starts, end]).replace(microsecond=0), end


def _describe_root(crate: ROCrate, runs: pd.DataFrame, end: datetime) -> None:
    citation = _citation()
    licence = crate.add(ContextEntity(
        crate, f"https://spdx.org/licenses/{citation['license']}",
        properties={
            "@type": "CreativeWork", "name": f"{citation['license']} License",
            "identifier": citation["license"], "description": "The licence of GateBench",
        },
    ))  # fmt: skip
    for identifier, name, version in PROFILES:
        crate.add(ContextEntity(crate, identifier, properties={
            "@type": "CreativeWork", "name": name, "version": version,
        }))  # fmt: skip
    root = crate.root_dataset
    cells, frameworks, tasks = (
        ", ".join(runs[name].unique()) for name in ("cell", "framework", "task")
    )
    root["name"] = f"GateBench results: {cells} in {frameworks} on {tasks}"
    root["description"] = (
        f"Gated recurrent networks trained and compared by GateBench: {_counted(runs)}. The page "
        "is report.html; the tables beside it have its numbers."
    )
    root["datePublished"] = end.isoformat()
    root["license"] = licence
    authors = [
        crate.add(ContextEntity(crate, f"#author-{place}", properties=_author(author)))
        for place, author in enumerate(citation["authors"])
    ]
    # One value stands by itself: what RO-Crate recommends.
    root["author"] = authors if len(authors) > 1 else authors[0]
    root["conformsTo"] = [{"@id": identifier} for identifier, *_ in PROFILES]


def _add_workflow(crate: ROCrate, results: Path, runs: pd.DataFrame) -> Any:
    citation = _citation()
    workflow = crate.add_workflow(
        results / WORKFLOW, WORKFLOW, main=True, lang="snakemake",
        lang_version=metadata.version("snakemake"),
        properties=_about(WORKFLOW) | {
            "name": citation["title"], "version": _commits(runs),
            "license": crate.root_dataset["license"],
        },
    )  # fmt: skip
    if "repository-code" in citation:
        workflow["url"] = citation["repository-code"]
    workflow["author"] = crate.root_dataset["author"]
    workflow["softwareRequirements"] = [
        crate.add(ContextEntity(crate, *software)) for software in _software(results)
    ]
    workflow["hasPart"] = crate.add_dataset(
        results / PARTS, PARTS,
        properties={"name": PARTS, "description": "The parts of the workflow, each a stage"},
    )  # fmt: skip
    return workflow


def _author(author: Mapping[str, str]) -> dict[str, str]:
    """An author of CITATION.cff, where an organisation has a name and a person has two."""
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    names = f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
    return {"@type": "Person", "name": names}


def _citation() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def _software(results: Path) -> Iterable[tuple[str, dict[str, str]]]:
    """Snakemake, and every version of a package that a run was made with."""
    found = {("snakemake", metadata.version("snakemake")): None}
    for packages in layout.read(results, "machines", needed=False)["packages"].dropna():
        for part in packages.split(", "):
            name, _, version = part.partition(" ")
            if version:
                found[name, version] = None
    for name, version in found:
        home = _home(name)
        fragment = re.sub(r"[^\w.+-]", "-", f"{name}-{version}")
        about = {"@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        yield f"{home}#{fragment}", about | ({"url": home} if home else {})


def _home(name: str) -> str:
    """The home page that a package names; nothing where it is not installed or names none."""
    if name == "python":
        return "https://www.python.org/"
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    named = dict(text.split(", ", 1) for text in found.get_all("Project-URL") or [] if ", " in text)
    lower = {label.lower(): url for label, url in named.items()}
    homes = found.get_all("Home-page") or [lower.get("homepage") or lower.get("repository") or ""]
    return homes[0] if homes[0].startswith("https://") else ""


def _add_files(crate: ROCrate, results: Path) -> list[Any]:
    """Every file and folder of the results that is there, described."""
    names = [path.name for path in sorted(results.glob("*.csv"))]
    others = [name for name in layout.FILES if not name.startswith("workflow/")]
    names += [name for name in others if (results / name).exists()]
    files = [crate.add_file(results / name, name, properties=_about(name)) for name in names]
    folders = [
        crate.add_dataset(results / name, f"{name}/", properties={
            "name": name, "description": text,
        })
        for name, text in layout.FOLDERS.items() if (results / name).is_dir()
    ]  # fmt: skip
    return [*files, *folders]


def _about(name: str) -> dict[str, Any]:
    kind = KINDS.get(Path(name).suffix, "text/plain")
    return {
        "name": name, "description": layout.says(name), "encodingFormat": kind,
    }  # fmt: skip


def _commits(runs: pd.DataFrame) -> str:
    return ", ".join(sorted(runs["git_commit"].fillna("unknown").unique()))


def _counted(runs: pd.DataFrame) -> str:
    well = (runs["status"] == "ok").sum()
    seeds = ", ".join(map(str, sorted(runs["seed"].unique())))
    return f"{well} of {len(runs)} runs ended well; seeds: {seeds}"
