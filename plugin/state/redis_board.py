"""The board of several replicas."""

from collections.abc import Collection

from redis import Redis

from plugin.state.redis_client import PREFIX, reaching

_HINTS = f"{PREFIX}hints"
_ASKED = f"{PREFIX}asked"
_VERSION = "version"


class RedisBoard:
    """A set of hints, and a number that only grows."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories. Raises Unreachable."""
        if repositories:
            with reaching(self._client):
                self._client.sadd(_HINTS, *repositories)

    def take_hints(self) -> frozenset[str]:
        """Return what was hinted at since the last time, once. Raises Unreachable."""
        with reaching(self._client), self._client.pipeline() as pipeline:
            pipeline.smembers(_HINTS)
            pipeline.delete(_HINTS)
            hints, _ = pipeline.execute()
        return frozenset(hint.decode(errors="surrogatepass") for hint in hints)

    def asked(self, version: int) -> None:
        """Say that an answer of this version was given to Argo CD. Raises Unreachable."""
        with reaching(self._client):
            self._client.zadd(_ASKED, {_VERSION: version}, gt=True)

    def newest_asked(self) -> int:
        """Return the newest version that was given to Argo CD. Raises Unreachable."""
        with reaching(self._client):
            return int(self._client.zscore(_ASKED, _VERSION) or 0)
