"""Reduces a GraphQL schema to what some queries use. Enums, inputs and arguments are kept whole."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    Node,
    NoDeprecatedCustomRule,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    UnionTypeDefinitionNode,
    Visitor,
    build_ast_schema,
    parse,
    print_ast,
    specified_rules,
    validate,
    visit,
)

Kept = dict[str, set[str]]  # the names of the types to keep, with the fields of objects and interfaces

# Nearly every type is a Node: its implementations are kept only where a query names them. So are the members of unions.
TOO_WIDE = "Node"


def prune_schema(full: str, queries: Iterable[str]) -> str:
    """Return the smallest schema under which the queries mean the same."""
    document = parse(full, no_location=True)
    # GitHub's schema defines a directive twice, which graphql-core refuses unless told to trust it.
    schema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    kept: Kept = defaultdict(set)
    for query in queries:
        asked = parse(query)
        if errors := validate(schema, asked, [*specified_rules, NoDeprecatedCustomRule]):
            raise SystemExit(f"{errors[0]}\n{query}")
        info = TypeInfo(schema)
        visit(asked, TypeInfoVisitor(info, _Asked(info, kept)))

    definitions = {node.name.value: node for node in document.definitions if isinstance(node, TypeDefinitionNode)}
    size = -1
    while size != (size := sum(1 + len(fields) for fields in kept.values())):
        for name in list(kept):
            _reach(definitions, name, kept)
    return "\n\n".join(print_ast(visit(_cut(definitions[name], kept), _Plain())) for name in sorted(kept)) + "\n"


class _Asked(Visitor):
    """Collects the types and fields that a query names."""

    def __init__(self, info: TypeInfo, kept: Kept) -> None:
        super().__init__()
        self.info, self.kept = info, kept

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self.info.get_parent_type()
        if parent is not None and not node.name.value.startswith("__"):
            self.kept[parent.name].add(node.name.value)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self.kept.setdefault(node.type_condition.name.value, set())

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        if node.type_condition is not None:
            self.kept.setdefault(node.type_condition.name.value, set())


class _Plain(Visitor):
    """Removes descriptions and GitHub's directives."""

    def enter(self, node: Node, *_: object) -> Node | None:
        changes: dict[str, object] = {}
        if getattr(node, "description", None) is not None:
            changes["description"] = None
        if getattr(node, "directives", ()):
            changes["directives"] = ()
        return replace(node, **changes) if changes else None  # type: ignore[arg-type]


def _reach(definitions: dict[str, TypeDefinitionNode], name: str, kept: Kept) -> None:
    """Keep what the kept fields of the type `name` refer to."""
    definition = definitions[name]
    used: list[Node] = []
    if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        for interface in definition.interfaces or ():
            kept[name] |= kept.get(interface.name.value, set())
        if not kept[name]:  # a type without fields is invalid
            kept[name].add((definition.fields or ())[0].name.value)
        used = [field for field in definition.fields or () if field.name.value in kept[name]]
    elif isinstance(definition, InputObjectTypeDefinitionNode):
        used = [definition]
    for node in used:
        for type_name in _named_types(node):
            if type_name in definitions:
                kept.setdefault(type_name, set())
    if isinstance(definition, InterfaceTypeDefinitionNode) and name != TOO_WIDE:
        for implementation in _implementations(definitions, name):
            kept.setdefault(implementation, set())


def _implementations(definitions: dict[str, TypeDefinitionNode], interface: str) -> list[str]:
    return [
        name
        for name, definition in definitions.items()
        if isinstance(definition, ObjectTypeDefinitionNode)
        and interface in {implemented.name.value for implemented in definition.interfaces or ()}
    ]


def _named_types(node: Node) -> list[str]:
    names: list[str] = []

    class Names(Visitor):
        def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
            names.append(node.name.value)

    visit(node, Names())
    return names


def _cut(definition: TypeDefinitionNode, kept: Kept) -> TypeDefinitionNode:
    if isinstance(definition, UnionTypeDefinitionNode):
        return replace(definition, types=tuple(t for t in definition.types or () if t.name.value in kept))
    if not isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return definition
    return replace(
        definition,
        interfaces=tuple(i for i in definition.interfaces or () if i.name.value in kept),
        fields=tuple(f for f in definition.fields or () if f.name.value in kept[definition.name.value]),
    )
