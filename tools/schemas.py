"""Write the JSON Schemas of catalog.yaml and .preview.yaml, for editors, from the models that read these files."""

import json
from pathlib import Path

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
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | MODELS[name].model_json_schema()
    return json.dumps(content, indent=2) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (FOLDER / name).write_text(schema(name), "utf-8")
        print(FOLDER / name)
