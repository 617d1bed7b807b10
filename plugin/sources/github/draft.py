"""Drafts: how a query for several repositories is put together. Every value is sent as a variable."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

_RATE = "rateLimit { cost remaining resetAt }"


@dataclass(frozen=True, slots=True)
class Query:
    """A GraphQL query with its variables."""

    text: str
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Draft:
    """A query in the making."""

    declared: list[str] = field(default_factory=list)
    selections: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def variable(self, name: str, kind: str, value: object) -> str:
        """Declare a variable; return how the text refers to it."""
        self.declared.append(f"${name}: {kind}")
        self.values[name] = value
        return f"${name}"

    def repository(self, i: int, full_name: str, selection: str) -> None:
        """Select something of repository i. With `followRenames: false`, a renamed repository is an error."""
        owner, _, name = full_name.partition("/")
        arguments = (
            f"owner: {self.variable(f'o{i}', 'String!', owner)}, name: {self.variable(f'n{i}', 'String!', name)}"
        )
        self.selections.append(f"r{i}: repository({arguments}, followRenames: false) {{ {selection} }}")

    def label_ids(self, i: int, labels: Collection[str]) -> str:
        """Return the selection of the labels' ids, in the order of their names."""
        names = [self.variable(f"k{i}_{j}", "String!", label) for j, label in enumerate(sorted(labels))]
        return " ".join(f"k{j}: label(name: {name}) {{ id }}" for j, name in enumerate(names))

    def query(self, name: str, *fragments: str) -> Query:
        """Return it under a name, with the fragments that it uses."""
        text = f"query {name}({', '.join(self.declared)}) {{\n  {_RATE}\n  " + "\n  ".join(self.selections) + "\n}"
        return Query(text + "".join(fragments), self.values)
