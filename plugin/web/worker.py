"""The gunicorn worker: threads answer requests, and never wait for one to arrive.

gunicorn's own gthread worker reads the head of a request (its first line and headers) in the thread that answers it,
without a deadline, so sixteen clients that send half a line each would keep all threads from Argo CD. This one reads
heads in its event loop, as a proxy does. Bodies are read by the routes (`bodies.py`).
"""

import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

HEAD_SECONDS = 10.0  # from its first byte; the same for all connections, which keeps `pending_conns` sorted
MAX_HEAD = 64 * 1024  # bytes; more than GitHub, Argo CD and proxies send
_PIECE = 65536


class Connection(TConn):  # type: ignore[misc]
    """A connection with what has arrived of its next head."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  gunicorn's, passed on
        super().__init__(*arguments)
        self.head = bytearray()
        self.complete = False  # whether the whole head has arrived
        self.data_ready = True  # a thread gets it only with a complete head

    def receive(self) -> bool:
        """Take what has arrived, without waiting. Returns False if the client has closed or sends too much."""
        try:
            data = self.sock.recv(_PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.add(data)
        return bool(data) and len(self.head) <= MAX_HEAD

    def add(self, data: bytes) -> None:
        """Append to the head. Line breaks before it are ignored (RFC 9112, section 2.2)."""
        data = data if self.head else data.lstrip(b"\r\n")
        self.head += data
        self.complete |= self.head.find(b"\r\n\r\n", max(0, len(self.head) - len(data) - 3)) >= 0

    def init(self) -> None:
        """Give the head to the parser; called by the thread that answers."""
        super().init()
        self.parser.unreader.unread(bytes(self.head))
        self.head.clear()
        self.complete = False

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  gunicorn's signature
        """Close without waiting for the client: this runs in the event loop, which serves all connections."""
        with suppress(OSError):
            if graceful:
                self.sock.setblocking(False)  # noqa: FBT003
                self.sock.shutdown(socket.SHUT_WR)
                self.sock.recv(_PIECE)  # with unread data in it, a closed socket would reset the connection
        super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, except that a connection waits in the event loop until the head of its next request is complete."""

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection. Until its first byte it waits like one that is kept open between two requests."""
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, address = listener.accept()
            self.nr_conns += 1
            conn = Connection(self.cfg, client, address, listener.getsockname())
            conn.set_timeout()
            self.keepalived_conns.append(conn)
            self.poller.register(client, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Read the next head of a connection that was idle."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        if not conn.receive():
            self._drop(conn)
        elif conn.complete:  # as it is for almost every request
            super().enqueue_req(conn)
        else:
            self._wait_for_head(conn)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Read more of a head; hand the connection to a thread once the head is complete."""
        if conn.receive() and not conn.complete:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if conn.complete:
            super().enqueue_req(conn)
        else:
            self._drop(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Answer a request whose first bytes came with the previous request; gunicorn calls this for nothing else."""
        conn.add(conn.parser.unreader.take_buffered())
        if conn.complete:
            super().enqueue_req(conn)
        else:
            self._wait_for_head(conn)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def _wait_for_head(self, conn: Connection) -> None:
        conn.sock.setblocking(False)  # noqa: FBT003
        conn.timeout = time.monotonic() + HEAD_SECONDS  # then `murder_pending` closes it
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
