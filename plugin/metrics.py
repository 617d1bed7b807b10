"""Metrics in Prometheus' format. Each app has a registry of its own, so that tests can make many apps."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """What a platform team watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "preview_http_requests",
            "Answers by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.refresh_seconds = Histogram("preview_refresh_seconds", "Duration of refreshes", registry=self.registry)
        self.last_refresh = Gauge(
            "preview_last_refresh_timestamp_seconds", "When the last refresh ended", registry=self.registry
        )
        self.in_doubt = Gauge(
            "preview_repositories_in_doubt",
            "Repositories whose last reading did not count",
            registry=self.registry,
        )
        self.pull_requests = Gauge(
            "preview_pull_requests", "Labelled open pull requests that are known", registry=self.registry
        )
        self.catalog_broken = Gauge(
            "preview_catalog_broken",
            "1 while a newer version of the catalog is refused",
            registry=self.registry,
        )
        self.github_requests = Counter("preview_github_requests", "Requests to GitHub", registry=self.registry)
        self.github_points = Counter(
            "preview_github_points", "Rate-limit points spent at GitHub", registry=self.registry
        )
        self.github_points_left = Gauge(
            "preview_github_points_left",
            "Rate-limit points left at GitHub, as it said last",
            registry=self.registry,
        )
