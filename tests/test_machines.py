"""Contributed results folders: what is kept, what is refused, and what the site says of them.

The machines are made up: the reference's tables with other times, names and verdicts.
"""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.folders import foreign, machines, site
from harness import layout
from harness.errors import UserError
from report import site as page
from tests.axe import assert_accessible
from tests.conftest import ROOT
from tests.test_configuration import load

REFERENCE = ROOT / "results" / "reference"
EVIL = "Chip <b>9000</b> & Söhne"
FRAMEWORKS = ("jax", "pytorch", "tensorflow")


def edited(folder: Path, name: str, edit) -> None:
    """A table of ``folder`` with every value as text, as ``edit`` leaves it."""
    path = layout.path(folder, name)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = edit(table)
    table.to_csv(path, index=False)


def another(source: Path, target: Path, processor: str, *slower: float) -> Path:
    """``source`` as another machine has it: each framework slower by its factor."""
    shutil.copytree(source, target)
    factor = dict(zip(FRAMEWORKS, slower, strict=True))

    def times(table: pd.DataFrame) -> pd.DataFrame:
        for column in ("median_ms", "low_ms", "high_ms"):
            known = table[column] != ""
            by = table.loc[known, "framework"].map(factor)
            table.loc[known, column] = (table.loc[known, column].astype(float) * by).astype(str)
        return table.assign(machine=f"{processor}, 2 cores")

    def ratios(table: pd.DataFrame) -> pd.DataFrame:
        of, to = (table[f"{side}_framework"].map(factor) for side in machines.SIDES)
        by = (of / to).fillna(1)
        for column in ("ratio", "low", "high"):
            known = table[column] != ""
            table.loc[known, column] = (table.loc[known, column].astype(float) * by).astype(str)
        return table.assign(machine=f"{processor}, 2 cores")

    edited(target, "timing", times)
    edited(target, "speed_ratios", ratios)
    edited(target, "machines", lambda table: table.assign(processor=processor))
    when = {"finished": "2026-12-01T00:00:00+00:00", "gatebench": "0.1.0"}
    edited(target, "runs", lambda table: table.assign(**when))
    return target


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """The reference as a contributed folder."""
    return machines.contribute(REFERENCE, "one", tmp_path_factory.mktemp("machines"))


@pytest.fixture(scope="module")
def both(one) -> Path:
    """A folder of two machines: on the second JAX is four times slower, and a claim is refuted."""
    there = another(one, one.parent / "two-b", EVIL, 4.0, 1.0, 1.0)

    def turned(table: pd.DataFrame) -> pd.DataFrame:
        first = table.index[table["verdict"] == "supported"][0]
        table.loc[first, "verdict"] = "refuted"
        return table

    edited(there, "claims", turned)
    return one.parent


@pytest.fixture(scope="module")
def made(both, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site")
    assert site.write(target, both) == 2
    page.write(target)
    return target


def test_every_folder_of_the_project_is_as_it_must_be(tmp_path):
    """What was contributed, by anyone, and the page of it."""
    assert site.write(tmp_path) == len(machines.read_all())
    assert page.write(tmp_path).exists()


def test_only_what_is_checked_is_kept(one):
    assert {path.stem for path in one.iterdir()} <= set(machines.TABLES)
    kept = pd.read_csv(one / "runs.csv", dtype=str)
    given = pd.read_csv(REFERENCE / "runs.csv", dtype=str)
    assert kept["command"].isna().all()
    assert given["command"].notna().all()
    shared = [*foreign.TABLES["runs"], *(c for c in given if c.startswith(layout.SETTING))]
    for column in shared:
        assert kept[column].fillna("").tolist() == given[column].fillna("").tolist(), column
    # So any folder can be compared with it.
    for name, table in foreign.read(REFERENCE).items():
        pd.testing.assert_frame_equal(foreign.read(one)[name], table, check_dtype=False)


def test_the_command_says_where_it_lies_and_what_comes_next(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machines.contribute, "__defaults__", (tmp_path,))
    words = ["contribute", "--results", str(REFERENCE), "--name", "my-laptop"]
    assert main(words) == 0
    assert f"{tmp_path / 'my-laptop'}: 8 tables, " in capsys.readouterr().out
    assert main(words) == 2
    assert "is there already; choose another name" in capsys.readouterr().err
    assert main([*words[:3], "--name", "../up"]) == 2


@pytest.mark.parametrize("name", ["../up", "/tmp/up", "a/b", "", "Upper", ".git", "x" * 41, "a\n"])
def test_a_name_is_checked_before_it_becomes_a_path(name, tmp_path):
    with pytest.raises(UserError, match=r"--name: .* cannot be a folder's name"):
        machines.contribute(REFERENCE, name, tmp_path / "machines")
    assert not list(tmp_path.iterdir())


def test_what_is_wrong_leaves_nothing_behind(one, tmp_path):
    bad = shutil.copytree(one, tmp_path / "bad")
    edited(bad, "timing", lambda table: table.assign(median_ms="-1"))
    with pytest.raises(UserError, match=r"timing\.csv: row 2, median_ms: -1 with the interval"):
        machines.contribute(bad, "bad", tmp_path / "machines")
    assert not list((tmp_path / "machines").iterdir())


def swapped(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"low": "high", "high": "low"})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: edited(f, "speed_ratios", swapped), r"speed_ratios\.csv: row 2, ratio"),
        (lambda f: edited(f, "timing", lambda t: t.assign(high_ms="inf")), r"timing\.csv: row 2"),
        (lambda f: edited(f, "claims", lambda t: t.assign(verdict="true")), r"claims\.csv: row 2"),
        (lambda f: (f / "notes.txt").write_text("hello"), r"notes\.txt: is no table"),
        (lambda f: (f / "scores.csv").unlink(), r"scores\.csv: is not there"),
        (lambda f: (f / "claims.csv").write_bytes(b"0" * 2_000_001), r"bad: its tables have"),
    ],
)  # fmt: skip
def test_a_bad_folder_is_one_sentence_and_no_page(one, tmp_path, damage, says):
    bad = shutil.copytree(one, tmp_path / "machines" / "bad")
    damage(bad)
    with pytest.raises(UserError, match=says):
        site.write(tmp_path / "site", tmp_path / "machines")
    assert not (tmp_path / "site").exists()


def test_links_files_and_names_that_do_not_belong_there_are_refused(one, tmp_path):
    folder = tmp_path / "machines"
    folder.mkdir()
    (folder / machines.ABOUT).write_text("What lies here.")
    assert machines.read_all(folder) == {}
    (folder / "link").symlink_to(one)
    with pytest.raises(UserError, match="link: is not a folder"):
        machines.read_all(folder)
    (folder / "link").unlink()
    shutil.copytree(one, folder / "Mine 1")
    with pytest.raises(UserError, match="'Mine 1' cannot be a folder's name"):
        machines.read_all(folder)
    (folder / "Mine 1").rename(folder / "mine")
    inside = folder / "mine" / "timing.csv"
    inside.unlink()
    inside.symlink_to(one / "timing.csv")
    with pytest.raises(UserError, match=r"timing\.csv: cannot be read \(is a link"):
        machines.read_all(folder)


def test_the_same_runs_twice_are_not_two_machines(one, tmp_path):
    for name in ("first", "second"):
        shutil.copytree(one, tmp_path / name)
    with pytest.raises(UserError, match=r"second: has the same runs as .*first; remove one"):
        machines.read_all(tmp_path)


def test_the_fastest_is_weighed_on_each_machine_and_counted_over_all(made):
    fastest = layout.read(made, "site_fastest")
    own = fastest[(fastest["shape"] == "article") & (fastest["cell"] == "gru")].set_index("folder")
    assert dict(own["better"]) == {"one": "jax", "two-b": "tensorflow"}
    # Four times 0.775 of TensorFlow's time: it takes 1 / 3.1 of JAX's, and less than PyTorch's.
    assert own.loc["one", "effect"] == pytest.approx(0.775, abs=0.001)
    agreed = layout.read(made, "site_agreement")
    row = agreed[(agreed["shape"] == "article") & (agreed["cell"] == "gru")].iloc[0]
    assert (row["answer"], row["machines"], row["agree"], row["others"], row["open"]) == (
        "jax tensorflow", 2, 1, 1, 0,
    )  # fmt: skip
    assert row["says"] == "differs"
    wide = agreed[(agreed["shape"] == "wide") & (agreed["cell"] == "gru")].iloc[0]
    assert (wide["answer"], wide["says"]) == ("tensorflow", "everywhere")
    steps = layout.read(made, "site_steps")
    jax = steps[(steps["framework"] == "jax") & (steps["shape"] == "wide")]
    jax = jax.pivot(index="cell", columns="folder", values="median_ms")
    assert (jax["two-b"] / jax["one"]).to_numpy() == pytest.approx(4.0)
    assert set(steps.groupby(["folder", "shape", "cell"]).size()) == {len(FRAMEWORKS)}


@pytest.mark.parametrize(
    ("answers", "answer", "counts", "says"),
    [
        (["jax", "jax"], "jax", (2, 0, 0), "everywhere"),
        (["jax", "jax pytorch"], "jax", (2, 0, 0), "everywhere"),
        (["jax", ""], "jax", (1, 0, 1), "where decided"),
        (["jax", "jax", "pytorch"], "jax", (2, 1, 0), "differs"),
        (["", ""], "", (0, 0, 2), "open"),
    ],
)
def test_what_counts_as_the_same_everywhere(answers, answer, counts, says):
    found = site._counted(answers)
    assert (found["answer"], found["says"], found["machines"]) == (answer, says, len(answers))
    assert (found["agree"], found["others"], found["open"]) == counts


def test_models_of_other_sizes_and_what_failed_the_checks_are_not_put_together(both, tmp_path):
    folder = shutil.copytree(both, tmp_path / "machines")

    def larger(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["shape"] == "article", "hidden"] = "51"
        return table

    def failed(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["framework"] == "tensorflow", "comparable"] = "False"
        return table

    edited(folder / "two-b", "timing", larger)
    edited(folder / "two-b", "scores", failed)
    site.write(tmp_path / "site", folder)
    agreed = layout.read(tmp_path / "site", "site_agreement").query("shape == 'article'")
    assert (
        sorted(map(tuple, agreed[["hidden", "machines"]].to_numpy(int)))
        == [(50, 1)] * 2 + [(51, 1)] * 2
    )
    steps = layout.read(tmp_path / "site", "site_steps").query("folder == 'two-b'")
    assert set(steps["framework"]) == {"jax", "pytorch"}


def test_each_machine_stands_with_what_ran_there(made):
    found = layout.read(made, "site_folders").set_index("folder")
    assert found["processor"].to_dict() == {"one": "AMD EPYC", "two-b": EVIL}
    assert found.loc["two-b", "gatebench"] == "0.1.0"
    runs = layout.read(REFERENCE, "runs")
    assert found["runs"].tolist() == [len(runs)] * 2
    assert found.loc["one", "first"] == runs["finished"].min()
    assert "jax 0.10.2" in found.loc["one", "versions"]


def test_claims_are_counted_by_their_verdicts(made):
    agreed = layout.read(made, "site_agreement").query("about == 'claim'")
    assert agreed["says"].value_counts()["differs"] == 1
    verdicts = layout.read(made, "site_claims")
    tested = verdicts[verdicts["verdict"] != "not tested"]
    assert set(agreed["claim"]) == set(tested["claim"])
    for _, row in agreed[agreed["says"] == "everywhere"].iterrows():
        assert set(verdicts[verdicts["claim"] == row["claim"]]["verdict"]) == {row["answer"]}
    # A folder may say anything in its own sentences; these are not read.
    assert agreed["sentence"].notna().all()


def test_the_page_says_it_in_words_and_acts_on_nothing_that_was_sent(made):
    text = (made / "index.html").read_text(encoding="utf-8")
    assert "one framework is fastest, or as fast as any, on all of them" in text
    assert re.search(
        r"tested more than once, \d+ holds? on every machine, \d+ on none and 1 comes", text
    )
    assert EVIL not in text
    assert "Chip &lt;b&gt;9000&lt;/b&gt; &amp; Söhne" in text
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text)
    assert set(re.findall(r'href="#([\w-]+)"', text)) <= set(re.findall(r'id="([\w-]+)"', text))


def test_the_page_of_no_folder_and_of_one(one, tmp_path):
    assert site.write(tmp_path / "none", tmp_path / "nowhere") == 0
    text = page.write(tmp_path / "none").read_text(encoding="utf-8")
    assert "No results folder has been contributed yet." in text
    assert "<table" not in text
    alone = tmp_path / "alone"
    shutil.copytree(one, alone / "one")
    site.write(tmp_path / "site", alone)
    text = page.write(tmp_path / "site").read_text(encoding="utf-8")
    assert "One folder has been contributed, so there is nothing yet to compare." in text


def test_the_page_is_open_to_all_readers(browser, made):
    view = browser.new_page(viewport={"width": 390, "height": 844})
    view.on("console", lambda message: pytest.fail(message.text))
    view.goto((made / "index.html").as_uri())
    assert_accessible(view)
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    view.close()


def test_no_pipeline_writes_into_contributed_folders(tmp_path):
    with pytest.raises(UserError, match="is a part of the project"):
        load(tmp_path, results=str(ROOT / "results" / "machines" / "mine"))
