"""The contract of a results folder: what is written is what is read, and nothing else passes."""

import re

import pytest

from analysis.__main__ import STAGES
from harness import layout
from harness.commands import command_line
from harness.errors import UserError
from tests.conftest import ROOT

RUN = {"task": "adding", "framework": "jax", "cell": "gru", "track": "matched", "seed": 0}


def run(**values: object) -> dict[str, object]:
    return RUN | {
        "status": "ok", "baseline": 1, "solved_at": 0.5, "steps": 3, "threads": 1, "machine": 0,
    } | values  # fmt: skip


def test_a_table_is_read_as_it_was_written(tmp_path):
    score, path = 0.1 + 0.2, 'a; b, "c"\nd None'
    rows = [
        run(score=score, steps_to_solve=2, solved=True, set_path=path, set_steps="1000"),
        run(seed=1, score=float("inf"), solved=False, set_steps="2000"),
        run(seed=2, error="NA"),
    ]
    layout.write(tmp_path, "runs", rows)
    found = layout.read(tmp_path, "runs")
    assert list(found.columns) == [*layout.TABLES["runs"].columns, "set_path", "set_steps"]
    assert found["score"].tolist()[:2] == [score, float("inf")]
    assert found["set_path"].fillna("").tolist() == [path, "", ""]
    assert found["set_steps"].tolist()[:2] == [1000, 2000]
    assert found["error"].tolist()[2] == "NA"
    assert found["solved"].tolist()[:2] == [True, False]
    assert found["solved"].isna().tolist() == [False, False, True]
    assert found["seed"].dtype == "int64"
    text = layout.path(tmp_path, "runs").read_text()
    assert ",2," in text
    assert ",2.0," not in text  # a whole number stays one beside rows that have none


def test_a_column_that_is_not_in_the_contract_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"scores\.csv has no column better"):
        layout.write(tmp_path, "scores", [RUN | {"better": 1}])
    with pytest.raises(ValueError, match=r"scores\.csv has no column set_steps"):
        layout.write(tmp_path, "scores", [{"set_steps": 1}])
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path):
    assert layout.read(tmp_path, "peaks", needed=False).empty
    with pytest.raises(UserError, match=r"peaks\.csv: is not there; run the pipeline first"):
        layout.read(tmp_path, "peaks")
    layout.path(tmp_path, "classical").write_text("task,method,seed,score\na,b,0,well\n")
    with pytest.raises(UserError, match=r"classical\.csv: cannot be read .*analysis tables"):
        layout.read(tmp_path, "classical")


def test_a_table_of_another_version_is_named_as_one(tmp_path):
    layout.write(tmp_path, "runs", [run()])
    frame = layout.read(tmp_path, "runs").assign(settings="layers 1; steps 3")
    frame.to_csv(layout.path(tmp_path, "runs"), index=False)
    with pytest.raises(UserError, match=r"another version of GateBench .*settings in one column"):
        layout.read(tmp_path, "runs")
    frame.drop(columns=["settings", "machine"]).to_csv(layout.path(tmp_path, "runs"), index=False)
    with pytest.raises(UserError, match=r"another version of GateBench .*no column machine"):
        layout.read(tmp_path, "runs")


@pytest.mark.parametrize(
    ("column", "text", "known"),
    [
        ("seed", "12", 12), ("seed", "-1", None), ("seed", "", None), ("score", "1e-3", 0.001),
        ("score", "0x10", None), ("task", "adding", "adding"), ("task", "../x", None),
        ("error", "über\x1b[1m", None), ("error", "é" * 10_000, "é" * 10_000),
        ("error", "x" * 10_001, None), ("solved", "True", True), ("solved", "yes", None),
        ("data_sha256", "0" * 64, "0" * 64), ("data_sha256", "0" * 63, None),
        ("status", "ok", "ok"), ("status", "okay", None),
    ],
)  # fmt: skip
def test_a_foreign_value_is_checked_for_its_kind(column, text, known):
    about = layout.TABLES["runs"].columns[column]
    if known is None:
        with pytest.raises(ValueError, match=r"\w"):
            about.value(text)
    else:
        assert about.value(text) == known


def test_every_interval_names_columns_of_its_table():
    for table in layout.TABLES.values():
        for about in table.columns.values():
            assert {about.low, about.high} <= {"", *table.columns}
        assert set(table.key) <= set(table.columns)
        assert table.stage in layout.COMMANDS


def test_the_list_of_results_has_every_table():
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    section = text[text.index("## The tables") :]
    section = section[: section.index("\n## ", 1)]
    assert set(re.findall(r"`(\w+)\.csv`", section)) == set(layout.TABLES)


def test_the_harness_hands_every_stage_of_the_analysis_on():
    assert set(command_line.ANALYSIS) == set(STAGES)
