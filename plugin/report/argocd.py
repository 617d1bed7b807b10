"""The nudge: tells Argo CD that an answer has changed, so that it asks now instead of at its next poll.

Argo CD's webhook for ApplicationSets accepts GitHub's deliveries. On any `pull_request` delivery with an action that it
knows, it refreshes every ApplicationSet with a plugin generator at its top level, whatever repository is named. So this
module sends a delivery that names a repository that cannot exist, so that nothing else is refreshed. See docs/adr/0004.
https://github.com/argoproj/argo-cd/blob/v3.5.1/applicationset/webhook/webhook.go
"""

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

import requests

from plugin.errors import PluginError
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.refresh import RefreshReport

DELIVERY = json.dumps(
    {
        "action": "labeled",
        "repository": {"name": "none", "url": "https://preview-plugin.invalid/none", "owner": {"login": "none"}},
    }
).encode()

TRIES = 10  # about four minutes in all; Argo CD retries by itself in that time if the plugin answered with an error
SHORTEST, LONGEST = 1.0, 60.0  # seconds between two tries, on average
SPACING = 0.5  # seconds after a delivery in which further changes are collected; no pause is shorter
TIMEOUT = 5.0  # seconds, to connect and to answer
STOPS_WITHIN = 1.0  # seconds, once it is told to stop


def pause(tries: int, chance: float) -> float:
    """Return how many seconds to wait after this many tries; `chance`, from 0 to 1, spreads the pauses."""
    return min(LONGEST, SHORTEST * 2.0 ** (tries - 1)) * (0.5 + chance)


class Nudger:
    """Tells Argo CD about changes until it asks. Any thread may call `changed`; `run` needs its own thread."""

    def __init__(self, url: str, secret: str | None, newest_asked: Callable[[], int], metrics: Metrics) -> None:
        """`url` is the webhook, `secret` Argo CD's `webhook.github.secret`.

        `newest_asked` returns the newest version that Argo CD got; if it raises PluginError, that counts as "not yet".
        """
        self._url = url
        self._headers = {"Content-Type": "application/json", "X-GitHub-Event": "pull_request"}
        if secret is not None:
            digest = hmac.new(secret.encode(), DELIVERY, hashlib.sha256).hexdigest()
            self._headers["X-Hub-Signature-256"] = f"sha256={digest}"
        self._newest_asked = newest_asked
        self._nudges = metrics.nudges
        self._lock = threading.Lock()
        self._newest = 0  # the newest version in which an answer changed
        self._news = threading.Event()

    def observe(self, report: RefreshReport) -> None:
        """Tell Argo CD if this refresh changed an answer. Never waits."""
        if report.changed:
            self.changed(report.current.known.head.version)

    def changed(self, version: int) -> None:
        """Say that an answer changed in this version. Never waits."""
        with self._lock:
            self._newest = max(self._newest, version)
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Tell Argo CD about changes until told to stop."""
        while not stop.is_set():
            if self._news.wait(STOPS_WITHIN):
                self._news.clear()
                try:
                    self._tell(stop)
                except Exception as error:  # noqa: BLE001  an unexpected error must not end the thread
                    get_logger().error("the nudge failed", exc_info=error)

    def _tell(self, stop: threading.Event) -> None:
        for tries in range(1, TRIES + 1):
            if self._has_asked():
                return
            self._deliver()
            stop.wait(SPACING)
            if self._interrupted(pause(tries, random.random()) - SPACING, stop):  # noqa: S311  no secret
                return
        if not self._has_asked():
            get_logger().warning(
                "Argo CD was told of a change and has not asked for it; it will when it polls. "
                "Check PREVIEW_ARGOCD_WEBHOOK and PREVIEW_ARGOCD_WEBHOOK_SECRET, and Argo CD's ApplicationSets",
                url=self._url,
                version=self._newest,
                tries=TRIES,
            )

    def _has_asked(self) -> bool:
        try:
            return self._newest_asked() >= self._newest
        except PluginError:
            return False

    def _deliver(self) -> None:
        problem = self._problem()
        self._nudges.labels("failed" if problem else "sent").inc()
        if problem:
            get_logger().warning("Argo CD could not be told of a change", url=self._url, problem=problem)

    def _problem(self) -> str:
        """Deliver, and return why that failed, or ""."""
        try:
            # The body of the response is not read.
            with requests.post(
                self._url, DELIVERY, headers=self._headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                return "" if response.status_code == HTTPStatus.OK else f"it answered {response.status_code}"
        except requests.RequestException as error:
            return type(error).__name__  # its text may contain a proxy's address with a password

    def _interrupted(self, seconds: float, stop: threading.Event) -> bool:
        """Wait, and return whether to stop waiting: there is a newer change, or the thread is to end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if stop.is_set() or self._news.wait(min(left, STOPS_WITHIN)):
                break
        return stop.is_set() or self._news.is_set()
