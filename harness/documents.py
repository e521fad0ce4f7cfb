"""Documents in YAML or JSON: read, checked by their JSON schema, one sentence on what is wrong."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import UserError
from tasks import _handed

# A schema's types in words.
KINDS = {
    "array": "a list such as [a, b]",
    "object": "a mapping such as {key: value}",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def read(path: Path) -> Any:
    """The content of a YAML or JSON file; :class:`UserError` with the line where it is neither."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else _yaml(text, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text in UTF-8; save it so.") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: is not JSON ({error.msg}).") from error


def _yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise UserError(
            f"{path}: cannot be read without PyYAML, which this environment lacks; set "
            f"{_handed.FOLDER} to a folder that python -m harness hand-over made in the main one."
        ) from error
    try:
        # As yaml.safe_load does, but in C where PyYAML has it, ten times as fast.
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise UserError(f"{path}{line}: is not YAML ({problem}).") from error


def load(path: Path, schema: Path) -> Any:
    """The content of ``path``, which fits ``schema``; the schema lies beside it or elsewhere.

    In another environment than the main one it is read as JSON, if it was handed over.
    """
    if handed := _handed.file(f"{path.stem}.json"):
        return read(handed)
    content = read(path)
    check(content, schema, path.name)
    return content


def check_ids(entries: list[Any], where: str) -> None:
    """Raise :class:`UserError` when two entries of a document have one id."""
    for name, count in Counter(entry["id"] for entry in entries).items():
        if count > 1:
            raise UserError(f"{where}: the id {name} stands twice; rename one.")


def check(content: Any, schema: Path, where: str = "") -> None:
    """Raise :class:`UserError` with the place of the first thing that ``schema`` refuses.

    ``where`` comes before it. The schema may say in a ``description`` what a value must be.
    In another environment than the main one nothing is checked: the main one checks what it hands
    over, and what it reads of that which was written there.
    """
    if _handed.folder():
        return
    import fastjsonschema

    try:
        _accepts(schema)(content)
        return
    except fastjsonschema.JsonSchemaValueException as error:
        place, said = "", str(error.message)
    # Only to say what is wrong: it takes .3 s to import and 20 times as long to check.
    import jsonschema

    found = jsonschema.Draft202012Validator(read(schema)).iter_errors(content)
    if (wrong := jsonschema.exceptions.best_match(found)) is not None:
        place, said = _place(content, wrong), _said(wrong)
    raise UserError(f"{': '.join(part for part in (where, place, said) if part)}.")


def prepare(schema: Path) -> None:
    """Compile a schema before the first document is checked by it."""
    if not _handed.folder():
        _accepts(schema)


@cache
def _accepts(schema: Path) -> Any:
    import fastjsonschema

    return fastjsonschema.compile(read(schema), use_default=False)


def _place(content: Any, error: Any) -> str:
    """Where in ``content`` an error is; an entry of a list by its id or name where it has one."""
    words, at = [], content
    for part in error.absolute_path:
        at = at[part]
        own = at.get("id", at.get("name")) if isinstance(at, dict) else None
        words.append(own if isinstance(part, int) and isinstance(own, str) else str(part))
    return ".".join(words)


def _said(error: Any) -> str:
    """What is wrong with a value by the schema, and what is allowed, in words."""
    allowed, value = error.validator_value, error.instance
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            key = next(key for key in value if key not in known)
            return f"unknown key {key!r}; allowed: {', '.join(known)}"
        case "required":
            return f"lacks the key {next(key for key in allowed if key not in value)!r}"
        case "type":
            kinds = [allowed] if isinstance(allowed, str) else allowed
            return f"must be {' or '.join(KINDS[kind] for kind in kinds)}, not {value!r}"
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty" if allowed == 1 else f"must have {allowed} values or more"
        case "maxLength":
            return f"must have {allowed} characters at most"
        case "uniqueItems":
            return "names a value twice"
        case "const":
            return f"must be {allowed!r}, not {value!r}"
        case "enum":
            return f"must be one of {', '.join(map(str, allowed))}, not {value!r}"
        case "contains" if "const" in allowed:
            return f"must have {allowed['const']} among its values"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above"}
            return f"must be {words.get(error.validator, 'below')} {allowed}, not {value}"
        case _ if "description" in error.schema:
            return f"must be {error.schema['description']}, not {value!r}"
    return str(error.message)
