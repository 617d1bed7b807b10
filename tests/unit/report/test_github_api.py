"""What it means if GitHub did not do what it was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter

from plugin.core.reports.content import Kind, Target
from plugin.report.github_api import GitHubApi
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused
from plugin.sources import NoReply, NotGranted, NotSent, Reply

TARGET = Target(Kind.STATUS, "acme/orders", 12, "orders")
NUMBER = TypeAdapter(int)


@dataclass
class Scripted:
    """A REST API that replies what the test says."""

    reply: Callable[[], Reply]

    def ask(self, repository: str, verb: str, path: str, content: object = None) -> Reply:  # noqa: ARG002  scripted
        assert path.startswith("/repos/acme/orders/")
        return self.reply()

    def account(self, repository: str) -> str:  # noqa: ARG002  scripted
        self.reply()
        return "acme-previews"


def api(status: int = 200, body: Any = None, **headers: str) -> GitHubApi:
    return GitHubApi(
        Scripted(lambda: Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, body))
    )


def raising(error: Exception) -> GitHubApi:
    def reply() -> Reply:
        raise error

    return GitHubApi(Scripted(reply))


LIMIT = {"message": "You have exceeded a secondary rate limit"}
USED_UP = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1794819900", "date": "Mon, 16 Nov 2026 09:00:00 GMT"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "meaning", "seconds"),
    [
        (500, None, {}, Lost, None),
        (502, "<html>", {}, Lost, None),
        (403, LIMIT, {}, Closed, None),
        (403, LIMIT, {"retry_after": "60"}, Closed, 60.0),
        (403, {"message": "API rate limit exceeded"}, USED_UP, Closed, 300.0),
        (403, {"message": "API rate limit exceeded"}, USED_UP | {"date": "soon"}, Closed, None),
        (429, None, {"retry_after": "x"}, Closed, None),
        (401, {"message": "Bad credentials"}, {}, Closed, None),
        (403, {"message": "Resource not accessible by integration"}, {}, Forbidden, None),
        (403, {"message": "Resource not accessible by personal access token"}, {}, Forbidden, None),
        (403, {"message": "Must have push access to view collaborator permission."}, {}, Forbidden, None),
        (403, {"message": "Unable to create comment because issue is locked."}, {}, Refused, None),
        (404, {"message": "Not Found"}, {}, Missing, None),
        (410, {"message": "This issue was deleted"}, {}, Missing, None),
        (422, {"message": "No ref found for: x"}, {}, Refused, None),
        (409, {"message": 5}, {}, Refused, None),
        (301, {"message": "Moved Permanently"}, {}, Refused, None),
        (202, {"message": "Auto-merged main"}, {}, Refused, None),
    ],
)
def test_what_a_reply_means(
    status: int, body: Any, headers: dict[str, str], meaning: type[Exception], seconds: float | None
) -> None:
    with pytest.raises(meaning) as raised:
        api(status, body, **headers).write(TARGET, "POST", "/x", {})

    assert str(raised.value).startswith(f"GitHub answered {status}")
    if isinstance(raised.value, Closed):
        assert raised.value.seconds == seconds


def test_what_github_says_is_repeated_in_one_bounded_line() -> None:
    with pytest.raises(Refused) as raised:
        api(422, {"message": "a\n\u202eb" + "x" * 1000}).write(TARGET, "POST", "/x")

    assert "\n" not in str(raised.value)
    assert "\u202e" not in str(raised.value)
    assert len(str(raised.value)) < 330


@pytest.mark.parametrize(
    ("error", "meaning"),
    [(NotSent("no token"), Closed), (NotGranted("no permission"), Forbidden), (NoReply("timeout"), Lost)],
)
def test_what_it_means_if_there_is_no_reply(error: Exception, meaning: type[Exception]) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: raising(error).read(TARGET, "/x", NUMBER),
        lambda: raising(error).write(TARGET, "POST", "/x"),
        lambda: raising(error).create(TARGET, "/x", {}, NUMBER),
        lambda: raising(error).account(TARGET),
    )
    for ask in asks:
        with pytest.raises(meaning, match=str(error)):
            ask()


def test_a_success_of_another_shape_is_a_lost_answer() -> None:
    assert api(201, 5).create(TARGET, "/x", {}, NUMBER) == 5
    with pytest.raises(Lost, match="invalid response"):
        api(201, {"id": "x"}).create(TARGET, "/x", {}, NUMBER)
    with pytest.raises(Lost, match="invalid response"):
        api(200, None).read(TARGET, "/x", NUMBER)
