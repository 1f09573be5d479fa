"""A platform that only takes events, as cheaply as Python can: `python tests/benchmarks/sink.py`.

It cuts the event ids out of a body instead of parsing it, so that what is measured beside it is the
reporter. Prints its port, and ends when its standard input does. `GET /stats` answers with what
came: requests and events; anything else that is asked for is told that nobody pressed stop.
"""

from __future__ import annotations

import json
import re
import socketserver
import sys
import threading

_EVENT_ID = re.compile(rb'"event_id": ?"([^"]{36})"')
_ACCEPTED = b'","status":"accepted","db_id":1,"error":null}'


class Counts:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests = 0
        self.events = 0


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    counts = Counts()

    def handle(self) -> None:
        try:
            while line := self.rfile.readline(65_536):
                length = 0
                while (header := self.rfile.readline(65_536)) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                self._send(self._answer(line, self.rfile.read(length)))
        except OSError:
            pass  # a measured process has ended, as it may

    def _answer(self, line: bytes, body: bytes) -> bytes:
        if line.startswith(b"GET /stats"):
            counts = {"requests": self.counts.requests, "events": self.counts.events}
            return json.dumps(counts).encode()
        if line.startswith(b"GET"):
            return b'{"requested":false}'
        event_ids = _EVENT_ID.findall(body)
        with self.counts.lock:
            self.counts.requests += 1
            self.counts.events += len(event_ids)
        if line.startswith(b"POST /api/events "):  # one event, bare, as older reporters send it
            return b'{"accepted":true,"event_id":1,"deduplicated":false}'
        results = b",".join(b'{"event_id":"' + event_id + _ACCEPTED for event_id in event_ids)
        return b'{"accepted":%d,"rejected":0,"results":[%b]}' % (len(event_ids), results)

    def _send(self, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        while sys.stdin.buffer.readline():
            pass
