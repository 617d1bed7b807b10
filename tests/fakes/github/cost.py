"""What a query costs and whether GitHub would run it: its limits, by its documentation.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableValues,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_composite_type,
)

MAX_PAGE = 100
MAX_IDS = 100
MAX_NODES = 500_000


class Refusal(Exception):
    """GitHub's answer to what it will not do: one entry of `errors`."""

    def __init__(self, kind: str, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.kind, self.path = kind, list(path)


@dataclass(frozen=True)
class Cost:
    requests: int = 0  # that GitHub itself needs to fulfil every connection
    nodes: int = 0

    @property
    def points(self) -> int:
        return max(1, (self.requests + 50) // 100)


def measure(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> Cost:
    """Count as if every page were full. Raises Refusal where GitHub does not even start."""
    walk = _Walk(schema, fragments, variables)
    root = schema.query_type
    assert root is not None
    walk.visit(root, [operation.selection_set], 1, [])
    if walk.nodes > MAX_NODES:
        raise Refusal(
            "MAX_NODE_LIMIT_EXCEEDED",
            f"This query requests up to {walk.nodes:,} possible nodes "
            f"which exceeds the maximum limit of {MAX_NODES:,}.",
        )
    return Cost(walk.requests, walk.nodes)


class _Walk:
    def __init__(
        self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode], variables: VariableValues
    ) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self.requests = self.nodes = 0

    def visit(
        self,
        parent: GraphQLCompositeType,
        selections: Iterable[SelectionSetNode],
        times: int,
        path: list[str],
    ) -> None:
        """Count what is in `selections`, which GitHub runs `times` times."""
        merged: dict[tuple[GraphQLCompositeType, str], list[FieldNode]] = defaultdict(list)
        for selection in selections:
            self.collect(parent, selection, merged)
        for (owner, alias), nodes in merged.items():
            field = nodes[0]
            name = field.name.value
            if name.startswith("__"):
                continue
            assert isinstance(owner, GraphQLObjectType | GraphQLInterfaceType)
            definition = owner.fields[name]
            returned = get_named_type(definition.type)
            if not is_composite_type(returned):
                continue
            arguments = get_argument_values(definition, field, self.variables) if definition.args else {}
            inner = [node.selection_set for node in nodes if node.selection_set]
            each = times
            if returned.name.endswith("Connection"):
                size = page_size(name, arguments, [*path, alias], required=self.lists(returned, inner))
                self.requests += times
                self.nodes += times * size
                each = times * size
            elif owner is self.schema.query_type and name == "nodes":
                ids = len(arguments["ids"])
                if ids > MAX_IDS:
                    message = f"You may not provide more than {MAX_IDS} node ids; you provided {ids}."
                    raise Refusal("ARGUMENT_LIMIT", message, [*path, alias])
                each = times * ids
                self.nodes += each
            self.visit(returned, inner, each, [*path, alias])

    def collect(
        self,
        parent: GraphQLCompositeType,
        selections: SelectionSetNode,
        merged: dict[tuple[GraphQLCompositeType, str], list[FieldNode]],
    ) -> None:
        """Gather fields by the name they answer under: one that is named twice runs once."""
        for selection in selections.selections:
            skip = get_directive_values(GraphQLSkipDirective, selection, self.variables)
            include = get_directive_values(GraphQLIncludeDirective, selection, self.variables)
            if (skip and skip["if"]) or (include and not include["if"]):
                continue
            if isinstance(selection, FieldNode):
                name = selection.alias.value if selection.alias else selection.name.value
                merged[parent, name].append(selection)
                continue
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                condition = fragment.type_condition.name.value
                inner = fragment.selection_set
            else:
                assert isinstance(selection, InlineFragmentNode)
                condition = selection.type_condition.name.value if selection.type_condition else parent.name
                inner = selection.selection_set
            narrowed = self.schema.type_map[condition]
            assert is_composite_type(narrowed)
            self.collect(narrowed, inner, merged)

    def lists(self, connection: GraphQLCompositeType, selections: list[SelectionSetNode]) -> bool:
        """Whether more than the connection's count is asked for; only that needs a page size."""
        merged: dict[tuple[GraphQLCompositeType, str], list[FieldNode]] = defaultdict(list)
        for selection in selections:
            self.collect(connection, selection, merged)
        return any(nodes[0].name.value in {"nodes", "edges"} for nodes in merged.values())


def page_size(connection: str, arguments: dict[str, object], path: list[str], *, required: bool) -> int:
    given = {name: arguments[name] for name in ("first", "last") if arguments.get(name) is not None}
    if not given:
        if required:
            raise Refusal(
                "MISSING_PAGINATION_BOUNDARIES",
                f"You must provide a `first` or `last` value to properly paginate the `{connection}` connection.",
                path,
            )
        return 0
    if len(given) > 1:
        raise Refusal(
            "EXCESSIVE_PAGINATION_BOUNDARIES",
            f"Passing both `first` and `last` to paginate the `{connection}` connection is not supported.",
            path,
        )
    [(name, size)] = given.items()
    assert isinstance(size, int)
    if size > MAX_PAGE:
        raise Refusal(
            "EXCESSIVE_PAGINATION",
            f"Requesting {size} records on the `{connection}` connection "
            f"exceeds the `{name}` limit of {MAX_PAGE} records.",
            path,
        )
    if size < 1:
        raise Refusal(
            "INVALID_PAGINATION_BOUNDARIES",
            f"`{name}` on the `{connection}` connection cannot be less than 1.",
            path,
        )
    return size
