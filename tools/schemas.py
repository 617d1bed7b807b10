"""Write the JSON Schemas of catalog.yaml and .preview.yaml, for editors, from the models that read these files."""

import json
from pathlib import Path
from typing import Any

from plugin.core.config.catalog_file import CatalogFile
from plugin.core.config.repo_config import RepositoryConfigFile
from plugin.core.config.validation import FileModel

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
MODELS: dict[str, type[FileModel]] = {
    "catalog.schema.json": CatalogFile,
    "preview.schema.json": RepositoryConfigFile,
}


def schema(name: str) -> str:
    """Return the text of one schema file."""
    content = MODELS[name].model_json_schema()
    for part in (content, *content["$defs"].values()):
        required = part.get("required", ())
        part["properties"] = {
            key: value if key in required else _or_empty(value) for key, value in part["properties"].items()
        }
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"} | content, indent=2) + "\n"


def _or_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Accept a key without a value where a missing key is accepted: the models treat them alike."""
    entries = value.get("additionalProperties")
    if isinstance(entries, dict) and "$ref" in entries:
        value = value | {"additionalProperties": {"anyOf": [entries, {"type": "null"}]}}
    if "anyOf" in value:
        choices = value["anyOf"] if {"type": "null"} in value["anyOf"] else [*value["anyOf"], {"type": "null"}]
        return value | {"anyOf": choices}
    described = {key: value[key] for key in ("title", "description", "default") if key in value}
    return {"anyOf": [{key: value[key] for key in value if key not in described}, {"type": "null"}]} | described


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (FOLDER / name).write_text(schema(name), "utf-8")
        print(FOLDER / name)
