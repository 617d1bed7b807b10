"""Metrics in Prometheus' format. Each app has its own registry, so that tests can make many apps."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """The metrics that a platform team watches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "preview_http_requests",
            "HTTP responses by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.refresh_seconds = Histogram("preview_refresh_seconds", "Duration of refreshes", registry=self.registry)
        self.last_refresh = Gauge(
            "preview_last_refresh_timestamp_seconds", "When the last refresh ended", registry=self.registry
        )
        self.in_doubt = Gauge(
            "preview_repositories_in_doubt",
            "Repositories whose last reading could not be used",
            registry=self.registry,
        )
        self.unread = Gauge(
            "preview_repositories_unread",
            "Repositories of the catalog that have never been read; their services wait",
            registry=self.registry,
        )
        self.pull_requests = Gauge("preview_pull_requests", "Open, labelled pull requests", registry=self.registry)
        self.catalog_broken = Gauge(
            "preview_catalog_broken",
            "1 while the catalog's file is broken and the previous version stays in force",
            registry=self.registry,
        )
        self.source_requests = Counter(
            "preview_source_requests", "Requests to the source", ["source"], registry=self.registry
        )
        self.source_points = Counter(
            "preview_source_points", "Rate-limit points spent at the source", ["source"], registry=self.registry
        )
        self.source_points_left = Gauge(
            "preview_source_points_left",
            "Rate-limit points left at the source, as it last reported",
            ["source"],
            registry=self.registry,
        )
        self.snapshot_age = Gauge(
            "preview_snapshot_age_seconds",
            "Time since the source was last read successfully",
            registry=self.registry,
        )
        self.previews = Gauge("preview_previews", "Previews by state", ["state"], registry=self.registry)
        self.paused_seconds = Counter(
            "preview_paused_seconds",
            "Time for which previews were paused while this replica polled, over all previews",
            registry=self.registry,
        )
        self.queue = Gauge(
            "preview_queue_length",
            "Pull requests that wait in the queue because a limit is reached",
            registry=self.registry,
        )
        self.ending = Gauge(
            "preview_ending", "Live previews that end within 24 hours if nobody does anything", registry=self.registry
        )
        self.held_ends = Gauge(
            "preview_held_ends",
            "Ends that an edit of the catalog would bring forward, and that wait for an acknowledgement",
            registry=self.registry,
        )
        self.config_errors = Gauge(
            "preview_config_errors", "Previews whose .preview.yaml is invalid", registry=self.registry
        )
        self.held = Gauge(
            "preview_held",
            "Previews kept although they would leave: in doubt, or held back by the breaker",
            ["by"],  # confirm, breaker
            registry=self.registry,
        )
        self.events = Counter("preview_events", "Events of previews by kind", ["event"], registry=self.registry)
        self.refresh_failures = Counter(
            "preview_refresh_failures", "Refreshes in which nothing could be read or stored", registry=self.registry
        )
        self.polls = Gauge("preview_polls", "1 if this replica polls", registry=self.registry)
        self.state_errors = Counter(
            "preview_state_errors", "Failed attempts to read or write the state", registry=self.registry
        )
        self.deliveries = Counter(
            "preview_webhook_deliveries",
            "GitHub's webhook deliveries by result",
            ["result"],  # accepted, ignored, refused, failed
            registry=self.registry,
        )
        self.notifications = Counter(
            "preview_notifications",
            "Argo CD's notifications by result",
            ["result"],  # accepted, ignored, refused, failed
            registry=self.registry,
        )
        self.request_to_ready = Histogram(
            "preview_request_to_ready_seconds",
            "Time from the request for a preview until Argo CD first reported it as ready",
            buckets=(15, 30, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200),
            registry=self.registry,
        )
        self.nudges = Counter(
            "preview_nudges",
            "Deliveries to Argo CD's webhook by result",
            ["result"],  # sent, failed
            registry=self.registry,
        )
        self.reports = Counter(
            "preview_reports",
            "Requests that tell developers about previews, by what is written and by result",
            [
                "report",
                "result",
            ],  # written, looked, lost, refused, closed, forbidden, missing; of commands see `commands.py`
            registry=self.registry,
        )
        self.reports_waiting = Gauge(
            "preview_reports_waiting", "Deployments, statuses, comments and links to look at", registry=self.registry
        )
        self.terminations = Counter(
            "preview_terminations",
            "Running syncs of Argo CD that an answer outdated, by what became of the request to end them",
            ["result"],  # ended, failed, left
            registry=self.registry,
        )
