"""What the schema of configurations says of one, in words."""

from __future__ import annotations

import json
from functools import cache
from itertools import takewhile
from typing import Any

import jsonschema

from harness.errors import UserError, one_of
from harness.plan.sources import Sources, origin_of
from harness.registry import ROOT

# The schema's types in words.
KINDS = {
    "array": "a list such as [a, b]",
    "object": "a mapping such as {key: value}",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@cache
def _validator() -> Any:
    path = ROOT / "workflows" / "config" / "schema.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def check_schema(config: dict[str, Any], sources: Sources) -> None:
    """Raise :class:`UserError` with the first thing in ``config`` that the schema refuses."""
    allowed = list(_validator().schema["properties"])
    for key in config:
        if key not in allowed:
            raise one_of(origin_of(config, sources, (key,)), "key", key, allowed)
    error = jsonschema.exceptions.best_match(_validator().iter_errors(config))
    if error is None:
        return
    path = [str(part) for part in error.absolute_path]
    # Lists are not merged: a part of one came with the whole.
    names = tuple(takewhile(lambda part: isinstance(part, str), error.absolute_path))
    origin = origin_of(config, sources, names) if names else sources[0][0]
    raise UserError(f"{': '.join([origin, *(['.'.join(path)] if path else [])])}: {_said(error)}.")


def _said(error: Any) -> str:
    """What is wrong with a value by the schema, and what is allowed, in words."""
    allowed, value = error.validator_value, error.instance
    match error.validator:
        case "type":
            kinds = [allowed] if isinstance(allowed, str) else allowed
            return f"must be {' or '.join(KINDS[kind] for kind in kinds)}, not {value!r}"
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            key = next(key for key in value if key not in known)
            return f"unknown key {key!r}; allowed: {', '.join(known)}"
        case "required":
            return f"lacks the key {next(key for key in allowed if key not in value)!r}"
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty"
        case "uniqueItems":
            return "names a value twice"
        case "const":
            return f"must be {allowed!r}, not {value!r}"
        case "enum":
            return f"must be one of {', '.join(map(str, allowed))}, not {value!r}"
        case "minimum":
            return f"must be at least {allowed}, not {value}"
        case "oneOf" if {"const": "all"} in allowed:
            return f'must be "all" or a list of names, not {value!r}'
        case "oneOf":
            return f"must be a whole number from 1 on, or one for each cell, not {value!r}"
        case "contains":
            return "must have step among its values"
        case "pattern":
            return f"{value!r} is not a name of small letters, digits and underscores"
    return str(error.message)
