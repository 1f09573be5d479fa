"""Accepts connections, and gives each a thread."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading

from argus.server.connections import Connection, Connections
from argus.server.http import Service, converse

MAX_CONNECTIONS = 512
_BACKLOG = 1_024  # beyond it a client tries again only after a second
_NO_ROOM_S = 0.1

_log = logging.getLogger("argus.server")


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that has the address, and accepts nobody yet. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name != "nt":  # there it would let two monitors share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except (TypeError, UnicodeError):  # a label too long, half a surrogate pair, a NUL
        sock.close()
        raise OSError(f"{host[:80]!a} is no name of a host") from None
    except BaseException:
        sock.close()
        raise
    return sock


class Listener:
    """The listening socket and the open connections."""

    def __init__(self, sock: socket.socket, service: Service) -> None:
        """`sock` has its address. It is the listener's from now on. Raises OSError."""
        self._socket = sock
        self._service = service
        self._connections = Connections(MAX_CONNECTIONS)
        self._wake, self._waker = socket.socketpair()
        sock.setblocking(False)  # a client may be gone between select and accept
        sock.listen(_BACKLOG)

    def serve_until_stopped(self) -> None:
        """Accept connections until `stop_accepting`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not any(key.fileobj is self._wake for key, _ in selector.select()):
                if not self._accept_waiting():
                    # Nothing is left to give, descriptors or threads: who waits waits on.
                    self._connections.make_room()
                    selector.unregister(self._socket)
                    selector.select(_NO_ROOM_S)
                    selector.register(self._socket, selectors.EVENT_READ)

    def stop_accepting(self) -> None:
        """Make `serve_until_stopped` return. Any thread may call this."""
        self._waker.close()  # the other end becomes readable

    def end_connections(self, within_s: float) -> None:
        """Let each connection finish the request it has, then end; wait so long at most."""
        self._connections.end_all(within_s)

    def close(self) -> None:
        """Close what is listened on."""
        for sock in (self._socket, self._wake, self._waker):
            sock.close()

    def _accept_waiting(self) -> bool:
        """Take in whoever waits. False where the system has no room for more."""
        for _ in range(_BACKLOG):  # and then look whether to go on
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return True
            except ConnectionError:
                continue  # the client was faster
            except OSError:
                return False
            if not self._take_in(sock, str(address[0])):
                return False
        return True

    def _take_in(self, sock: socket.socket, peer: str) -> bool:
        """Give a client its thread. False where none can be had."""
        connection = Connection(sock, peer)
        if not self._connections.add(connection):
            sock.close()
            return True
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(
                target=self._serve, args=(connection,), name="argus-connection", daemon=True
            ).start()
        except OSError:  # the client was faster
            self._end(connection)
        except RuntimeError:  # no thread can be had
            self._end(connection)
            return False
        return True

    def _serve(self, connection: Connection) -> None:
        try:
            converse(self._service, connection)
        except Exception:
            _log.exception("a connection failed")
        finally:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._connections.discard(connection)  # first: a closed one must not be chosen to end
        connection.socket.close()
