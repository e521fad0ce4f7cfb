"""``python -m harness new``: working files to start a cell, a task or an implementation from."""

from pathlib import Path

from harness.errors import UserError
from harness.files import write_text
from harness.registry import ROOT, is_name

TEMPLATES = Path(__file__).parent / "templates"


def new(kind: str, name: str) -> list[Path]:
    """Write a cell, a task or an implementation that works as it is; returns what was written."""
    if kind == "implementation":
        sources, folder = sorted((TEMPLATES / kind).glob("*.py")), ROOT / "implementations" / name
        files = {source: folder / source.name for source in sources}
    else:
        files = {TEMPLATES / f"{kind}.py": ROOT / f"{kind}s" / f"{name}.py"}
    if not is_name(name):
        raise UserError(
            f"NAME: {name!r} cannot be a name; use small letters, digits and _, a letter first, "
            "40 at most."
        )
    for target in files.values():
        if target.exists():
            raise UserError(f"{target.relative_to(ROOT)}: exists already; choose another name.")
    title = "".join(part.capitalize() for part in name.split("_"))
    for source, target in files.items():
        text = source.read_text(encoding="utf-8")
        text = text.replace("EXAMPLE", name).replace("Example", title).replace("example", name)
        write_text(target, text)
    return list(files.values())
