"""The GraphQL side: queries are checked by graphql-core against GitHub's schema and run over a `World`.

Every field of the committed schema has a resolver and every resolver has a field, which `bind` checks when
this module is loaded: a query that needs more than the fake knows fails loudly instead of reading nulls.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableValues,
    build_schema,
    get_variable_values,
    parse,
    validate,
)

from .cost import Cost, Refusal, measure
from .execution import Field, compile_query, run_query
from .resolvers import NEVER, RESOLVERS, SHA, Context, GitObject, Resolver, TimelineItem
from .wire import Errors
from .world import Account, Owner, Symlink
from .written import Comment

Json = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A query that GitHub accepted, before it runs."""

    fields: tuple[Field, ...]
    operation: str
    variables: VariableValues
    cost: Cost


def plan(query: str, variables: Mapping[str, Any]) -> Plan | Json:
    """Check a query as GitHub does before it runs one; else the body that says what is wrong."""
    checked = _check(query)
    if isinstance(checked, list):
        return {"errors": [formatted(error) for error in checked]}
    operation, fragments, fields = checked
    coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), dict(variables))
    if isinstance(coerced, list):
        return {"errors": [formatted(error) for error in coerced]}
    name = operation.name.value if operation.name else ""
    try:
        cost = measure(SCHEMA, operation, fragments, coerced)
    except Refusal as refusal:
        place = {"path": refusal.path} if refusal.path else {}
        return {"data": None, "errors": [{"type": refusal.kind, **place, "message": str(refusal)}]}
    return Plan(fields, name, coerced, cost)


def run(plan: Plan, context: Context, failing: Errors | None = None) -> Json:
    """Answer as GitHub does, with errors at places that fail; an exception of the fake itself is raised."""
    refusals = {place: Refusal(kind, message) for place, (kind, message) in (failing or {}).items()}
    data, errors = run_query(plan.fields, context, plan.variables, type_name, refusals)
    answer: Json = {"data": data}
    if errors:
        answer["errors"] = [formatted(error) for error in errors]
    return answer


Checked = tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode], tuple[Field, ...]]


@lru_cache(maxsize=512)
def _check(query: str) -> Checked | list[GraphQLError]:
    try:
        document = parse(query)
    except GraphQLError as error:
        return [error]
    if errors := validate(SCHEMA, document):
        return errors
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1:
        return [GraphQLError("An operation name is required")]
    fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
    return operations[0], fragments, compile_query(SCHEMA, operations[0], fragments)


def formatted(error: GraphQLError) -> Json:
    formatted: Json = {"message": error.message}
    if isinstance(error.original_error, Refusal):
        formatted["type"] = error.original_error.kind
    if error.path:
        formatted["path"] = error.path
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return formatted


def type_name(value: object) -> str:
    match value:
        case Account():
            return "Bot" if value.is_bot else "User"
        case Owner():
            return "User" if value.is_person else "Organization"
        case GitObject(content=Symlink()):
            return "Blob"
        case GitObject():
            return type(value.content).__name__
        case TimelineItem():
            return value.event.kind
    return "IssueComment" if isinstance(value, Comment) else type(value).__name__


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def _commit_name(value: object) -> str:
    if not isinstance(value, str) or not SHA.fullmatch(value):
        raise GraphQLError(f"Could not coerce value {value!r} to GitObjectID")
    return value


def bind(schema: GraphQLSchema, resolvers: Mapping[str, Mapping[str, Resolver]]) -> GraphQLSchema:
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name.startswith("__") or name in NEVER:
            continue
        if differ := kind.fields.keys() ^ resolvers.get(name, {}).keys():
            raise LookupError(f"schema.graphql and the fake's resolvers differ in {name}: {sorted(differ)}")
        for field_name, field in kind.fields.items():
            field.resolve = resolvers[name][field_name]
            for argument_name, argument in field.args.items():
                argument.out_name = _snake(argument_name)
    commit_names = schema.type_map["GitObjectID"]
    assert isinstance(commit_names, GraphQLScalarType)
    commit_names.coerce_input_value = _commit_name
    return schema


SCHEMA = bind(build_schema(Path(__file__).with_name("schema.graphql").read_text()), RESOLVERS)
