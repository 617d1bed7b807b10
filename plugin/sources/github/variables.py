"""The variables that several queries share: repositories and labels by their numbers in the request."""

from collections.abc import Iterable


def repository_variables(i: int, repository: str) -> dict[str, str]:
    """Name repository i."""
    owner, _, name = repository.partition("/")
    return {f"o{i}": owner, f"n{i}": name}


def label_variables(i: int, labels: Iterable[str]) -> dict[str, str]:
    """Name the labels of repository i, in the order of their names."""
    return {f"k{i}_{j}": label for j, label in enumerate(sorted(labels))}
