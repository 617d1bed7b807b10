"""The life of previews as the catalog's file has it: its keys, and which values contradict each other."""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, StrictBool, ValidationInfo, WithJsonSchema, model_validator

from plugin.core.config.hours import WorkingHours, parse_hours
from plugin.core.config.lifecycle import CheckGate, Gate, ImageGate, Lifecycle
from plugin.core.config.names import folded
from plugin.core.config.validation import FileModel
from plugin.core.config.values import AppSlug, CheckName, Count, Duration, Label, MetricLabel, Query, Url

OFF = "off"
Off = Literal["off"]


def _off(value: object) -> object:
    """Make None of "off". A key without a value counts as left out, so nothing else is None and set."""
    return None if value == OFF else value


def _hours(value: object, info: ValidationInfo[Any]) -> WorkingHours | None:
    if value == OFF:
        return None
    hours = parse_hours(value, info.context.suggest) if isinstance(value, str) else None
    if hours is None:
        raise ValueError("must be a string, for example Mon-Fri 07:00-20:00 Europe/Berlin")
    return hours


class ReadyWhenFile(FileModel):
    """What a commit waits for until it is deployed: a check, or its image."""

    check: CheckName | None = Field(None, description="The check run, or commit status, that must have succeeded")
    app: AppSlug | None = Field(None, description="The GitHub App whose check run counts; default any")
    image: StrictBool = Field(default=False, description="Whether the registry must have the image")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.image == (self.check is not None):
            raise ValueError("must name either check: NAME or image: true")
        if self.app and self.image:
            raise ValueError("app belongs to check; remove it")
        return self

    @property
    def gate(self) -> Gate:
        """What that means to the rules."""
        return CheckGate(self.check, self.app or "") if self.check else ImageGate()


OptionalDuration = Annotated[Duration | None, BeforeValidator(_off, json_schema_input_type=Duration | Off | None)]
OptionalLabel = Annotated[Label | None, BeforeValidator(_off, json_schema_input_type=Label | Off | None)]
OptionalGate = Annotated[ReadyWhenFile | None, BeforeValidator(_off, json_schema_input_type=ReadyWhenFile | Off | None)]
OptionalHours = Annotated[WorkingHours | None, PlainValidator(_hours), WithJsonSchema({"type": "string"})]


class LifecycleFile(FileModel):
    """When previews start, pause and end. A rule without its key is off; off switches a default off."""

    ready_when: OptionalGate = Field(None, description="What a commit waits for until it is deployed")
    pause_after: OptionalDuration = Field(None, description="Pauses a preview this long after the last activity")
    hours: OptionalHours = Field(
        None, description="Pauses previews outside, for example Mon-Fri 07:00-20:00 Europe/Berlin; several with commas"
    )
    awake: Duration | None = Field(None, description="How long activity keeps awake outside hours; default 2h")
    expire_after: OptionalDuration = Field(None, description="Ends a preview this long after the last activity")
    extend: Duration | None = Field(None, description="What an extension without a time adds; default 24h")
    max_age: OptionalDuration = Field(None, description="Ends a preview this long after it was asked for")
    warn: Duration | None = Field(None, description="How long before it an end is announced at least; default 4h")
    keep: OptionalLabel = Field(None, description="With this label a preview neither pauses nor expires")


class LimitsFile(FileModel):
    """How many pull requests may have live previews, paused ones too."""

    total: Count | None = Field(None, description="Of all repositories")
    per_repository: Count | None = Field(None, description="Of each repository")
    per_author: Count | None = Field(None, description="Of each person")
    per_bot: Count | None = Field(None, description="Of each bot")


class TrafficFile(FileModel):
    """Where to learn which previews are used."""

    prometheus: Url = Field(description="URL of Prometheus")
    query: Query = Field(description="A query with one sample for each namespace")
    label: MetricLabel = Field(description="The label of a sample that holds the namespace")


def lifecycle_of(own: LifecycleFile, defaults: LifecycleFile) -> Lifecycle:
    """Return the plan for a service. Each key that it has itself overrides the default."""
    written: dict[str, Any] = _written(defaults) | _written(own)
    gate, keep = written.pop("ready_when", None), written.pop("keep", None)
    return Lifecycle(ready_when=gate and gate.gate, keep=keep or "", **written)


def _written(file: LifecycleFile) -> dict[str, Any]:
    return {key: getattr(file, key) for key in file.model_fields_set}


def wrong_lifecycle(plan: Lifecycle, labels: Collection[str], image_tag: str | None) -> Iterator[tuple[str, str]]:
    """Find what contradicts the rest of a service: the key and what is wrong with it.

    `labels` are those that it requires or skips; `image_tag` is None if it has no image.
    """
    if isinstance(plan.ready_when, ImageGate):
        if image_tag is None:
            yield "ready_when", "waits for the image, but the service has none: add image, or write ready_when: off"
        elif "{sha}" not in image_tag and "{short_sha}" not in image_tag:
            yield "ready_when", f'waits for the image, but "{image_tag}" is no tag of one commit: put {{sha}} into it'
    if folded(plan.keep) in map(folded, labels):
        yield "keep", f'"{plan.keep}" also decides who gets a preview; choose another label'
    for key, end in (("expire_after", plan.expire_after), ("max_age", plan.max_age)):
        if end and end < plan.warn:
            yield key, "is shorter than warn (default 4h), so it could not be announced in time; set a shorter warn"
