"""The board of several replicas."""

from collections.abc import Collection

from redis import Redis

from plugin.state.redis_client import reaching
from plugin.state.redis_keys import ASKED, HINTS

_VERSION = "version"


class RedisBoard:
    """A set of hints, and a number that only grows."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories. Raises Unreachable."""
        if repositories:
            with reaching(self._client):
                self._client.sadd(HINTS, *repositories)

    def take_hints(self) -> frozenset[str]:
        """Return the repositories that were hinted at since the last call, and forget them. Raises Unreachable."""
        with reaching(self._client), self._client.pipeline() as pipeline:
            pipeline.smembers(HINTS)
            pipeline.delete(HINTS)
            hints, _ = pipeline.execute()
        return frozenset(hint.decode(errors="surrogatepass") for hint in hints)

    def asked(self, version: int) -> None:
        """Say that Argo CD got an answer of this version. Raises Unreachable."""
        with reaching(self._client):
            self._client.zadd(ASKED, {_VERSION: version}, gt=True)

    def newest_asked(self) -> int:
        """Return the newest version that Argo CD got. Raises Unreachable."""
        with reaching(self._client):
            return int(self._client.zscore(ASKED, _VERSION) or 0)
