"""A client for Redis that never hangs for long, and whose errors never show the password."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from plugin.errors import InvalidSettings
from plugin.state import Unreachable

TIMEOUT = 1.0  # seconds to connect, and to wait for an answer


def connect(url: str) -> Redis:
    """Return a client, which connects when it is first used. Raises InvalidSettings.

    The URL may have further options, for example `rediss://...?ssl_ca_certs=FILE`:
    https://redis.readthedocs.io/en/stable/connections.html#redis.Redis.from_url
    """
    try:
        return Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            encoding_errors="surrogatepass",  # a repository name in a webhook can be any text
            maint_notifications_config=MaintNotificationsConfig(enabled=False),  # they would allow longer waits
        )
    except (TypeError, ValueError):  # their messages contain parts of the URL
        raise InvalidSettings("PREVIEW_STATE: must be a URL of Redis: redis://USER:PASSWORD@HOST:PORT/DB") from None


@contextmanager
def reaching(client: Redis) -> Iterator[None]:
    """Turn the library's errors into Unreachable."""
    try:
        yield
    except RedisError as error:
        options = client.get_connection_kwargs()
        reason, password = str(error), options.get("password")
        if password:  # an old Redis repeats the arguments of commands that it does not know
            reason = reason.replace(password, "***")
        address = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        raise Unreachable(f"Redis at {address} cannot be used: {reason}") from None
