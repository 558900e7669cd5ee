"""How the recorder is: its vital signs as Prometheus metrics, and over HTTP for whoever probes it.

Counts nothing itself: it is asked about `Vitals` that the recorder fills in. Silence is a fault,
not a calm day: the server's heartbeats come even at night.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from archiver.errors import ArchiverError

log = logging.getLogger(__name__)

_TEXT = "text/plain; charset=utf-8"
_PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """The recorder's vital signs at a moment: totals since its start, times in epoch seconds.

    `last_received_at`, `token_expires_at` and `is_ready` have an entry per project; a sign of life
    is any frame, heartbeats too; ready means that the server has confirmed every topic.
    """

    started_at: float
    frames_total: int
    bytes_total: int
    connections_open: int
    connections_wanted: int
    reconnects_total: int
    gaps_total: int
    refused_topics: int
    last_received_at: Mapping[str, float | None]
    token_expires_at: Mapping[str, float | None]
    is_ready: Mapping[str, bool]
    is_writable: bool
    journal_bytes: int
    unsealed_segments: int
    sealed_segments_total: int
    seal_failures_total: int
    sync_seconds: float
    compaction_failures_total: int = 0
    spool_bytes: int = 0
    is_spool_full: bool = False
    unpublished_parts: int = 0
    published_parts_total: int = 0
    publish_failures_total: int = 0

    def silence(self, project_id: str, now: float) -> float:
        """Return the seconds since a project's last sign of life, or since the start."""
        last = self.last_received_at.get(project_id)
        return now - (self.started_at if last is None else last)


class Sign(NamedTuple):
    """One metric: a number, or one for each project; a name that ends in `_total` counts."""

    name: str
    doc: str
    value: Callable[[Vitals, float], float | Mapping[str, float]]


def _per_project(vitals: Vitals, value: Callable[[str], float | None]) -> dict[str, float]:
    """Return what is known of each project."""
    told = {name: value(name) for name in vitals.is_ready}
    return {name: number for name, number in told.items() if number is not None}


SIGNS = (
    Sign(
        "archiver_start_timestamp_seconds",
        "When the recorder started, in seconds since 1970.",
        lambda vitals, _: vitals.started_at,
    ),
    Sign(
        "archiver_frames_total",
        "Frames written to the journal since the start; heartbeats are not.",
        lambda vitals, _: vitals.frames_total,
    ),
    Sign(
        "archiver_journaled_bytes_total",
        "Bytes written to the journal since the start.",
        lambda vitals, _: vitals.bytes_total,
    ),
    Sign(
        "archiver_connections_open",
        "Connections that are open now.",
        lambda vitals, _: vitals.connections_open,
    ),
    Sign(
        "archiver_connections_wanted",
        "Connections that the projects are spread over.",
        lambda vitals, _: vitals.connections_wanted,
    ),
    Sign(
        "archiver_reconnects_total",
        "Connections opened again after one was lost, since the start.",
        lambda vitals, _: vitals.reconnects_total,
    ),
    Sign(
        "archiver_gaps_total",
        "Gaps of whole projects begun since the start; each is a row in the archive.",
        lambda vitals, _: vitals.gaps_total,
    ),
    Sign(
        "archiver_refused_topics",
        "Topics that the server does not answer now; agents' aside: a disabled one's never does.",
        lambda vitals, _: vitals.refused_topics,
    ),
    Sign(
        "archiver_project_ready",
        "1 while the server has confirmed every topic of the project (agents' aside), 0 otherwise.",
        lambda vitals, _: _per_project(vitals, vitals.is_ready.get),
    ),
    Sign(
        "archiver_last_received_timestamp_seconds",
        "When the project last gave a sign of life, heartbeats too; absent until the first.",
        lambda vitals, _: _per_project(vitals, vitals.last_received_at.get),
    ),
    Sign(
        "archiver_silence_seconds",
        "Time since the project's last sign of life, or since the start before the first.",
        lambda vitals, now: _per_project(vitals, lambda name: vitals.silence(name, now)),
    ),
    Sign(
        "archiver_token_expiry_timestamp_seconds",
        "When the project's token says that it expires; absent where it does not say.",
        lambda vitals, _: _per_project(vitals, vitals.token_expires_at.get),
    ),
    Sign(
        "archiver_journal_writable",
        "1 while the journal takes what is written, 0 while it refuses (a full disk).",
        lambda vitals, _: vitals.is_writable,
    ),
    Sign(
        "archiver_journal_bytes",
        "Size of the journal: what is not sealed into Parquet yet.",
        lambda vitals, _: vitals.journal_bytes,
    ),
    Sign(
        "archiver_unsealed_segments",
        "Closed segments of the journal that wait to be sealed.",
        lambda vitals, _: vitals.unsealed_segments,
    ),
    Sign(
        "archiver_sealed_segments_total",
        "Segments sealed since the start.",
        lambda vitals, _: vitals.sealed_segments_total,
    ),
    Sign(
        "archiver_seal_failures_total",
        "Tries to seal a segment that failed, since the start.",
        lambda vitals, _: vitals.seal_failures_total,
    ),
    Sign(
        "archiver_compaction_failures_total",
        "Hourly compactions that failed or met a damaged part, since the start.",
        lambda vitals, _: vitals.compaction_failures_total,
    ),
    Sign(
        "archiver_sync_duration_seconds",
        "How long the last forcing of the journal to the disk took.",
        lambda vitals, _: vitals.sync_seconds,
    ),
    Sign(
        "archiver_spool_bytes",
        "Size of the sealed parts that wait to be published; 0 where the archive is a folder.",
        lambda vitals, _: vitals.spool_bytes,
    ),
    Sign(
        "archiver_spool_full",
        "1 while the spool holds as much as it may, and nothing is recorded; 0 otherwise.",
        lambda vitals, _: vitals.is_spool_full,
    ),
    Sign(
        "archiver_unpublished_parts",
        "Sealed parts that wait to be published to object storage.",
        lambda vitals, _: vitals.unpublished_parts,
    ),
    Sign(
        "archiver_published_parts_total",
        "Parts published since the start.",
        lambda vitals, _: vitals.published_parts_total,
    ),
    Sign(
        "archiver_publish_failures_total",
        "Tries to publish that failed, since the start.",
        lambda vitals, _: vitals.publish_failures_total,
    ),
)


class _Signs(Collector):
    """The vital signs of one moment, as the library asks for them."""

    def __init__(self, vitals: Vitals, now: float) -> None:
        self.vitals = vitals
        self.now = now

    def collect(self) -> Iterator[Metric]:
        for sign in SIGNS:
            value = sign.value(self.vitals, self.now)
            labels = ("project_id",) if isinstance(value, Mapping) else ()
            family: CounterMetricFamily | GaugeMetricFamily
            if sign.name.endswith("_total"):
                family = CounterMetricFamily(sign.name, sign.doc, labels=labels)
            else:
                family = GaugeMetricFamily(sign.name, sign.doc, labels=labels)
            numbers = value if isinstance(value, Mapping) else {None: value}
            for project_id, number in numbers.items():
                family.add_metric([project_id] if project_id else [], float(number))
            yield family


def exposition(vitals: Vitals, now: float) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Signs(vitals, now))
    return generate_latest(registry)


def readiness(vitals: Vitals, now: float, lag_limit_s: float) -> list[str]:
    """Return why the recorder does not record all that it should; nothing when it does."""
    why = [] if vitals.is_ready else ["no project"]
    if not vitals.is_writable:
        why.append("journal: cannot be written")
    if vitals.is_spool_full:
        why.append(f"spool: full with {vitals.spool_bytes} bytes; the store takes nothing")
    if vitals.connections_open < vitals.connections_wanted:
        why.append(f"connections: {vitals.connections_open} of {vitals.connections_wanted} open")
    if vitals.refused_topics:
        why.append(f"topics: {vitals.refused_topics} refused")
    for project_id, is_ready in vitals.is_ready.items():
        if not is_ready:
            why.append(f"project {project_id}: not every topic is confirmed")
        silence = vitals.silence(project_id, now)
        if silence > lag_limit_s:
            why.append(
                f"project {project_id}: silent for {silence:.0f} s (limit {lag_limit_s:.0f} s)"
            )
        elif silence < -lag_limit_s:  # silence could hide behind it
            why.append(f"project {project_id}: the clock was set back by {-silence:.0f} s")
    return why


class Server:
    """Answers `/metrics`, `/healthz` and `/readyz` from threads that end with the process."""

    def __init__(self, listener: socketserver.BaseServer, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._listener = listener
        self._thread = threading.Thread(
            target=listener.serve_forever, name="health", kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port; more than once does no harm."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


def serve(address: str, vitals: Callable[[], Vitals], lag_limit_s: float) -> Server:
    """Answer probes on HOST:PORT; port 0 takes a free one, which the server tells."""
    host, port = parse_address(address)
    try:
        listener = _Listener(host, port, vitals, lag_limit_s)
    except OSError as error:
        why = error.strerror or "not an address"
        raise ArchiverError(
            f"{address}: cannot answer probes there ({why}); choose another with --health"
        ) from error
    return Server(listener, host, listener.server_address[1])


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT; IPv6 as [HOST]:PORT."""
    host, _, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_number = port.isascii() and port.isdigit() and int(port) < 2**16
    if not is_number or not bare or (":" in bare) != (host == f"[{bare}]"):
        raise ArchiverError(f"{address}: not HOST:PORT; give --health 127.0.0.1:9464, for example")
    return bare, int(port)


class _Listener(socketserver.ThreadingTCPServer):
    """A listening socket, a thread for each request."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, host: str, port: int, vitals: Callable[[], Vitals], lag_limit_s: float
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.vitals = vitals
        self.lag_limit_s = lag_limit_s
        super().__init__((host, port), _Answer)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (theirs)
        """Note our own mistakes; a prober that hangs up is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("probe_failed")  # noqa: LOG004 (called while one is handled)


class _Answer(BaseHTTPRequestHandler):
    """One request."""

    server: _Listener
    server_version = "archiver"
    sys_version = ""
    timeout = _PATIENCE  # of who asks and then says nothing

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._reply(HTTPStatus.OK, b"alive\n")
        elif path == "/readyz":
            vitals = self.server.vitals()
            why = readiness(vitals, time.time(), self.server.lag_limit_s)
            text = "".join(f"{line}\n" for line in why or ["ready"])
            self._reply(HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, text.encode())
        elif path == "/metrics":
            metrics = exposition(self.server.vitals(), time.time())
            self._reply(HTTPStatus.OK, metrics, CONTENT_TYPE_PLAIN_0_0_4)
        else:
            self._reply(HTTPStatus.NOT_FOUND, b"/metrics, /healthz or /readyz\n")

    def _reply(self, status: HTTPStatus, body: bytes, content_type: str = _TEXT) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""
