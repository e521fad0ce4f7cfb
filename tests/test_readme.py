"""The README and docs/: short enough to be read, and what they name is there."""

import re

import pytest

from tests.conftest import ROOT

TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Beside the README's own, and shown by the place where a repository lies.
OTHERS = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "results/machines/README.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Made by commands of these texts, or stand for any.
MADE = (
    "results/", "tasks/my_", "logs/", "runs/", "conformance/", "workflow/", "timing/",
    "analysis/tables/longest", "report/sections/longest",
)  # fmt: skip


def test_the_readme_is_two_pages():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    commands = [line for line in lines[:20] if line.startswith("make ")]
    assert len(commands) == 2
    assert any("docs/report.png" in line for line in lines[:20])


@pytest.mark.parametrize("path", [*TEXTS, *OTHERS], ids=lambda path: path.name)
def test_every_file_and_every_target_of_make_that_a_text_names_is_there(path):
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / link).exists(), link
    names = re.findall(r"`((?:[a-z_]+/)+[\w.-]+\.(?:py|md|yaml|json|html|csv))`", text)
    for name in names:
        if not name.startswith(MADE) or name.startswith("results/reference/"):
            places = (ROOT / name, *ROOT.glob(f"*/{name}"))
            assert any(place.exists() for place in places), name
    for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_every_text_is_reached_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in TEXTS[1:]:
        assert f"docs/{path.name}" in readme, path.name
