"""The section "Versions": its answer, its names and its tables, on made-up environments."""

import re

import pytest

from analysis.tables import versions
from harness import layout
from report import answers, words
from report import tables as reading
from report.answers.phrases import count
from report.figures.style import Palette
from report.page import render, write_report
from report.tables import Tables
from tests.axe import assert_accessible
from tests.test_version_tables import INSTALLED, PACE, checked, environments, world


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    return world(tmp_path_factory.mktemp("versions"))


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("jax", "JAX"), ("jax_0_4_31", "JAX 0.4.31"), ("jax_0_4_31_again", "JAX 0.4.31 again"),
        ("pytorch_gpu", "PyTorch GPU"), ("tensorflow_2_20_gpu", "TensorFlow 2.20 GPU"),
        ("my_framework_2", "my_framework_2"), ("jaxon", "jaxon"),
    ],
)  # fmt: skip
def test_labels_are_written_as_people_read_them(label, said):
    assert words.framework(label) == said


@pytest.mark.parametrize(
    ("label", "version", "said"),
    [
        ("jax", "0.10.2", "JAX 0.10.2"), ("jax_0_4_31_again", "0.4.31", "JAX 0.4.31 again"),
        ("tensorflow_2_20", "2.20.0", "TensorFlow 2.20"), ("jax_0_4", "0.40.1", "JAX 0.40.1 (0.4)"),
        ("jax_mine", "0.4.31", "JAX 0.4.31 (mine)"), ("jax_mine", "", "JAX mine"),
        ("jaxon", "2.1", "jaxon 2.1"),
    ],
)  # fmt: skip
def test_a_version_is_said_once(label, version, said):
    assert words.versioned(label, version) == said


def test_versions_stand_behind_their_framework_in_colours_of_their_own():
    palette = Palette.of([*reversed(INSTALLED), "pytorch", "pytorch_2_14", "equinox"], ["lstm"])
    assert palette.frameworks == (
        "jax", "jax_0_4_31", "jax_0_4_31_again", "pytorch", "pytorch_2_14", "tensorflow",
        "tensorflow_2_20", "equinox",
    )  # fmt: skip
    colours = [palette.framework(name) for name in palette.frameworks[:5]]
    assert len(set(colours)) == 5
    # Where none is left it has that of its framework, not that of another one.
    assert palette.framework("tensorflow_2_20") == palette.framework("tensorflow")


def test_the_answer_says_faster_by_how_much_the_same_function_and_whose_bits(tables):
    answer = answers.upgrade(tables)
    assert answer.text == (
        "JAX 0.10.2 trains 1.4 times as fast as 0.4.31; TensorFlow 2.21.0 trains as fast as 2.20. "
        "All compute the same function. TensorFlow keeps all bits, JAX none."
    )
    assert answer.more.endswith("Losses part from training step 2 on in JAX.")
    assert "JAX 0.10.2 against 0.4.31 (GRU, 1 layer of 50 units): 1.4" in answer.evidence
    assert "JAX 0.4.31 in two environments" in answer.more


@pytest.mark.parametrize(
    ("pace", "scatter", "text"),
    [
        ({"jax": 20.0}, 0.0, "JAX 0.10.2 takes 1.4 times as long as 0.4.31"),
        ({"jax": 13.9}, 0.05, "JAX 0.10.2 and 0.4.31 are too close to call"),
        ({"jax": 14.0}, 0.0, "JAX 0.10.2 trains as fast as 0.4.31"),
    ],
)
def test_slower_alike_and_open_are_said_as_such(tmp_path, pace, scatter, text):
    found = world(tmp_path, {name: INSTALLED[name] for name in ("jax", "jax_0_4_31")},
                  PACE | pace, scatter)  # fmt: skip
    answer = answers.upgrade(found)
    assert answer.text == (
        f"{text}. Both compute the same function. Bits differ from training step 2 on."
    )
    assert ("quieter machine" in answer.tell) == ("too close" in text)
    assert count(answer.text) <= 30


def test_frameworks_that_part_at_one_step_are_named_together(tmp_path):
    found = world(tmp_path)
    found["versions"]["first_step"] = 2
    assert answers.upgrade(found).more.endswith("training step 2 on in JAX and TensorFlow.")


def test_a_version_that_fails_its_checks_is_named(tmp_path):
    found = world(tmp_path, checks=checked("jax_0_4_31"))
    answer = answers.upgrade(found)
    assert "JAX 0.4.31 fails 4 of 4 checks." in answer.text
    [html] = render(found, "versions")
    assert "✕ 0.4.31 fails 4 of 4 checks" in html


def test_the_section_shows_every_pair_and_a_version_beside_itself(tables):
    [html] = render(tables, "versions")
    text = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert "JAX 0.10.2 beside 0.4.31" in text
    assert "JAX 0.4.31 and 0.4.31 again" in text
    # One version that stands in two environments is compared with the others once.
    assert "0.10.2 beside 0.4.31 again" not in text
    assert "no: both runs part at steps 2 to 3" in text
    assert "both runs within the margin" in text
    assert "nan" not in text.lower().split()
    assert 'data-framework="jax jax_0_4_31" data-cell="gru"' in html


def test_without_a_second_environment_there_is_no_section(tmp_path):
    found = world(tmp_path, {"jax": INSTALLED["jax"], "tensorflow": INSTALLED["tensorflow"]})
    assert len(found["versions"]) == len(found["version_ratios"]) == 0
    [html] = render(found, "versions")
    assert not html.strip()


def test_versions_that_were_not_timed_or_not_trained_have_a_section(tmp_path):
    found = world(tmp_path, checks=[])
    for name in ("version_ratios", "version_runs"):
        layout.write(tmp_path, name, [])
    places = environments()
    broken = places[0] | {"packages": None, "python": None, "error": "it is not to be had."}
    layout.write(tmp_path, "environments", [broken, *places[1:]])
    layout.write(tmp_path, "versions", versions.rows([broken, *places[1:]], [], []))
    found = reading.read(tmp_path)
    [html] = render(found, "versions")
    text = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert "Nothing was timed" in text
    assert "JAX 0.4.31 could not be tried: it is not to be had." in text
    assert "not checked" in text
    assert "no run that both made" in text


def test_a_filter_keeps_what_is_of_either_version(browser, tables):
    write_report(tables.folder)
    page = browser.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"{(tables.folder / 'report.html').as_uri()}#versions?framework=jax_0_4_31&cell=gru")
    page.wait_for_function("document.querySelector('#versions').checkVisibility()")
    shown = page.locator("#versions .versions").first.locator("tbody tr").filter(visible=True)
    assert [row.split("\t")[0] for row in shown.all_inner_texts()] == [
        "JAX 0.10.2 beside 0.4.31", "JAX 0.4.31 and 0.4.31 again",
    ]  # fmt: skip
    assert page.locator("#versions .filters [data-key=framework] option").all_inner_texts()[1:] == [
        words.framework(name) for name in tables.palette.frameworks
    ]
    assert_accessible(page, "#versions")
    page.close()
