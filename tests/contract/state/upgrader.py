"""Starts, for each line that it reads, a process that opens a state and waits; says who, when opened, when dead."""

import os
import signal
import sys
from pathlib import Path

from plugin.state.sqlite import SqliteStore


def main() -> None:
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            SqliteStore(Path(sys.argv[1])).close()
            sys.stdout.write("opened \n")
            sys.stdout.flush()
            signal.pause()
        sys.stdout.write(f"process {process}\n")
        sys.stdout.flush()
        os.waitpid(process, 0)
        sys.stdout.write("dead \n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
