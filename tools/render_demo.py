"""Shows what each preview of the demo becomes in the cluster, from the parameters that `make demo` has written."""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tools.rendering import ROOT, render_without_argocd

PARAMETERS = ROOT / ".cache" / "demo" / "parameters.json"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parameters", type=Path, nargs="?", default=PARAMETERS, help="a JSON list of parameters")
    given = json.loads(options.parse_args().parameters.read_text("utf-8"))
    print_summaries([one for one in given if one["profile"]])  # the others belong to another set


def print_summaries(parameters: list[dict[str, Any]]) -> None:
    """Render each preview and print a few lines about it."""
    failures = 0
    for given, rendered in zip(parameters, render_without_argocd("previews.yaml", parameters), strict=True):
        failures += bool(rendered["error"])
        for line in [rendered["error"]] if rendered["error"] else summary(given, rendered["objects"]):
            print(line)
    print(f"\n{len(parameters)} previews rendered from applicationsets/previews.yaml, {failures} with problems")
    if failures:
        sys.exit(1)


def summary(parameters: dict[str, Any], objects: list[dict[str, Any]]) -> list[str]:
    """Describe what was rendered, not what was asked for."""
    found = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    (namespace,) = (name for kind, name in found if kind == "Namespace")
    (environment,) = (one["data"] for (kind, name), one in found.items() if name.startswith("environment-"))
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(one["kind"] for one in objects).items()))
    postgres = found.get(("Deployment", "postgres"))
    calls = [f"{dependency['env']}={environment[dependency['env']]}" for dependency in parameters["dependencies"]]
    (host,) = (rule["host"] for rule in found["Ingress", "app"]["spec"]["rules"])
    pods = sum(one["spec"]["replicas"] for (kind, _), one in found.items() if kind == "Deployment")
    return [
        f"\nnamespace {namespace}  https://{host}",
        f"  objects   {len(objects)}: {kinds}",
        f"  pods      {pods or 'none, because it is paused'}",
        f"  image     {_image(found['Deployment', 'app'])}",
        f"  database  {_image(postgres) if postgres else 'none'}",
        f"  calls     {'  '.join(calls) or 'nobody'}",
    ]


def _image(deployment: dict[str, Any]) -> str:
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


if __name__ == "__main__":
    main()
