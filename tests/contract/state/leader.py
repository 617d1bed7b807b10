"""A replica with a short lease: saves for each line that it reads, from what it saved before, and says how it went."""

import sys
from dataclasses import replace

from plugin.errors import PluginError
from plugin.logs import configure_logs
from plugin.state import Head
from plugin.state.redis import RedisStore
from plugin.state.redis_client import connect
from plugin.state.redis_lease import RedisLease
from tests.builders import MONDAY

DURATION = 1.5  # seconds


def main() -> None:
    configure_logs()  # to standard error
    client = connect(sys.argv[1])
    lease = RedisLease(client, DURATION)
    lease.compete()
    store = RedisStore(client, lease)
    known = store.load()
    for _ in sys.stdin:
        after = replace(known, head=Head(known.head.version + 1, MONDAY))
        try:
            store.save(known, after)
        except PluginError as error:
            said = f"{type(error).__name__}: {error}"
        else:
            known, said = after, f"saved {after.head.version}"
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
