"""Extracts schemas of answers and webhooks from an OpenAPI description, reduced to the properties that are used."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
KEEP = ("type", "enum", "format")


def prune_response(openapi: Schema, method: str, path: str, status: str, used: Iterable[str]) -> Schema:
    """Return the JSON Schema of one answer, as `_prune` cuts it."""
    response = _resolve(openapi, openapi["paths"][path][method.lower()]["responses"][status])
    return _prune(openapi, _of_message(response), used, f"GitHub's {method} {path} answers")


def prune_request(openapi: Schema, method: str, path: str, used: Iterable[str]) -> Schema:
    """Return the JSON Schema of one request's body, as `_prune` cuts it."""
    body = _resolve(openapi, openapi["paths"][path][method.lower()]["requestBody"])
    return _prune(openapi, _of_message(body), used, f"GitHub's {method} {path} is asked")


def prune_webhook(openapi: Schema, name: str, used: Iterable[str]) -> Schema:
    """Return the JSON Schema of one webhook's deliveries, as `_prune` cuts it."""
    message = openapi["webhooks"][name]["post"]["requestBody"]
    return _prune(openapi, _of_message(message), used, f"GitHub's webhook {name} comes")


def prune_swagger(swagger: Schema, method: str, path: str, status: str, used: Iterable[str]) -> Schema:
    """Return the JSON Schema of one answer in a description of the older format, Swagger 2.0, as `_prune` cuts it."""
    schema = swagger["paths"][path][method.lower()]["responses"][status]["schema"]
    return _prune(swagger, schema, used, f"{method} {path} answers")


def _of_message(message: Schema) -> Schema:
    schema: Schema = message["content"]["application/json"]["schema"]
    return schema


def _prune(openapi: Schema, schema: Schema, used: Iterable[str], what: str) -> Schema:
    """Cut the schema of one message. `used` names properties, inner ones with dots, arrays left out.

    The message must not contain anything else, and used properties that are required stay required.
    """
    wanted: Schema = {}
    for name in used:
        place = wanted
        for part in name.split("."):
            place = place.setdefault(part, {})
    pruned, unknown = _cut(openapi, schema, wanted, "")
    if unknown:
        raise SystemExit(f"{what} without {sorted(unknown)}")
    return pruned


def _resolve(openapi: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = openapi
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def _joined(openapi: Schema, schema: Schema) -> Schema:
    """Return one schema instead of several that hold at once; of two for one property, the last one counts."""
    if len(schema.get("allOf", ())) <= 1:
        return schema
    joined: Schema = {"type": "object", "properties": {}, "required": []}
    for each in (_joined(openapi, _resolve(openapi, option)) for option in schema["allOf"]):
        joined["properties"] |= each.get("properties", {})
        joined["required"] += each.get("required", [])
    return joined


def _cut(openapi: Schema, schema: Schema, wanted: Mapping[str, Any], where: str) -> tuple[Schema, set[str]]:
    """Return the schema with only the wanted properties, and those of them that it lacks."""
    schema = _joined(openapi, _resolve(openapi, schema))
    options = schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf")
    pruned: Schema
    if options:
        cuts = [_cut(openapi, option, wanted, where) for option in options]
        unique = [cut for index, (cut, _) in enumerate(cuts) if cut not in [c for c, _ in cuts[:index]]]
        pruned = unique[0] if len(unique) == 1 else {"anyOf": unique}
        # An option may lack a property that another one has; a property that all lack is unknown.
        return _nullable(schema, pruned), set.intersection(*(unknown for _, unknown in cuts))
    pruned = {word: schema[word] for word in KEEP if word in schema}
    unknown: set[str] = set()
    if "items" in schema:
        pruned["items"], unknown = _cut(openapi, schema["items"], wanted, where)
    elif wanted:
        properties = schema.get("properties", {})
        unknown = {f"{where}{name}" for name in wanted.keys() - properties.keys()}
        pruned["properties"] = {}
        for name in sorted(wanted.keys() & properties.keys()):
            inner, missing = _cut(openapi, properties[name], wanted[name], f"{where}{name}.")
            pruned["properties"][name] = inner
            unknown |= missing
        pruned["required"] = sorted(set(schema.get("required", [])) & wanted.keys())
        pruned["additionalProperties"] = False
    return _nullable(schema, pruned), unknown


def _nullable(schema: Schema, pruned: Schema) -> Schema:
    """Translate OpenAPI 3.0's `nullable` to JSON Schema."""
    return {"anyOf": [pruned, {"type": "null"}]} if schema.get("nullable") else pruned
