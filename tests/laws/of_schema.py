"""Data that fits a JSON schema, as far as pydantic's schemas of events go."""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

Schema: TypeAlias = dict[str, Any]

_PLAIN = {"boolean": st.booleans(), "null": st.none()}
_MOST = 2**63 - 1
"""Nothing records a greater number: an id of Discord's, a size or a time that is one is refused where it comes in."""
_TEXTS = st.one_of(st.text(), st.integers(0, 2**70).map(str))
"""Numbers too: a text may hold an id."""


def fitting(schema: Schema) -> st.SearchStrategy[Any]:
    """Return what fits a schema; raise KeyError for one that says what none did yet."""
    return _fitting(schema, schema.get("$defs", {}))


def _fitting(schema: Schema, defs: dict[str, Schema]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fitting(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return st.one_of([_fitting(each, defs) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "integer":
            return st.integers(schema.get("minimum", -_MOST), schema.get("maximum", _MOST))
        case "string":
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else _TEXTS
        case "array" if "prefixItems" in schema:
            return st.tuples(*(_fitting(each, defs) for each in schema["prefixItems"])).map(list)
        case "array":
            return st.lists(_fitting(schema["items"], defs), max_size=5)
        case "object" if "additionalProperties" in schema and "properties" not in schema:
            return st.dictionaries(_TEXTS, st.one_of(st.none(), st.booleans(), _TEXTS), max_size=3)
        case "object":
            fields = {name: _fitting(each, defs) for name, each in schema["properties"].items()}
            needed = {name: fields.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(needed, optional=fields)
        case other:
            return _PLAIN[other]
