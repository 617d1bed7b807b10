"""Prometheus: which previews are used, by one instant query for all of them.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import math
from http import HTTPStatus

import requests
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from plugin.core.config.lifecycle import Traffic
from plugin.errors import Unanswered
from plugin.http_client import Bounds, Request, Response, ask
from plugin.sources import Doubt

BOUNDS = Bounds(largest=4 * 1024 * 1024, timeout=10.0)  # some 20,000 samples
QUERY_TIMEOUT = "8s"  # Prometheus gives up before we do


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, float] | None = None  # when, and what: "1.5", "NaN", "+Inf". A histogram has none


_SAMPLES = TypeAdapter(tuple[_Sample, ...])


class _Data(BaseModel):
    kind: str = Field(alias="resultType")
    result: object


class _Answer(BaseModel):
    """`infos` are not read: they say something about the query, and nothing is missing because of them."""

    status: str
    data: _Data | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()


class PrometheusMeter:
    """Asks the Prometheus that a catalog names."""

    def used(self, traffic: Traffic) -> frozenset[str] | Doubt:
        """Return the namespaces with a sample above zero, or say why the answer must not be used."""
        url = f"{traffic.prometheus.rstrip('/')}/api/v1/query"
        form = {"query": traffic.query, "timeout": QUERY_TIMEOUT}
        try:
            with requests.Session() as session:
                response = ask(session, Request(method="POST", url=url, form=form), BOUNDS)
            return _used(_samples(response), traffic.label)
        except Unanswered as error:
            return Doubt(f"Prometheus at {traffic.prometheus} does not say which previews are used: {error}")


def _samples(response: Response) -> tuple[_Sample, ...]:
    """Return the samples of a whole vector. Raises Unanswered."""
    try:
        answer = _Answer.model_validate_json(response.body)
        if response.status != HTTPStatus.OK or answer.status != "success" or answer.data is None:
            raise Unanswered(f"it answered {response.status}: {answer.error or 'no result'}")
        if answer.warnings:  # for example, a remote storage did not answer, so its samples are missing
            raise Unanswered(f"the result may be incomplete, because Prometheus warns: {answer.warnings[0]}")
        if answer.data.kind != "vector":
            raise Unanswered(f"the query in the catalog gives a {answer.data.kind} instead of a vector")
        return _SAMPLES.validate_python(answer.data.result)
    except ValidationError:
        raise Unanswered(f"it answered {response.status}, and not as Prometheus does") from None


def _used(samples: tuple[_Sample, ...], label: str) -> frozenset[str]:
    """Return the namespaces that were used. Raises Unanswered if the samples say nothing about any namespace."""
    values = [(sample.metric.get(label, ""), sample.value[1] if sample.value else math.nan) for sample in samples]
    measured = [(namespace, value) for namespace, value in values if namespace and not math.isnan(value)]
    if not measured:
        # Nobody used any preview, or nothing measures them any more: a sample of 0 would tell the difference.
        raise Unanswered(_nothing_about_anything(samples, label))
    return frozenset(namespace for namespace, value in measured if value > 0)


def _nothing_about_anything(samples: tuple[_Sample, ...], label: str) -> str:
    if not samples:
        return "the query in the catalog gives no sample"
    if not any(sample.metric.get(label) for sample in samples):
        return f'no sample of the query in the catalog has the label "{label}"'
    return "no sample of the query in the catalog is a number"
