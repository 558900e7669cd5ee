"""Health: what the probes and Prometheus are told, asked over real HTTP."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import fields, replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from archiver import health
from archiver.errors import ArchiverError
from archiver.health import Vitals

NOW = 1_795_000_000.0
LIMIT = 45.0
CALM = Vitals(
    started_at=NOW - 3600,
    frames_total=1200,
    bytes_total=3_600_000,
    connections_open=2,
    connections_wanted=2,
    reconnects_total=3,
    gaps_total=4,
    refused_topics=0,
    last_received_at={"one": NOW - 5, "two": NOW - 12.5},
    token_expires_at={"one": NOW + 7200, "two": None},
    is_ready={"one": True, "two": True},
    is_writable=True,
    journal_bytes=70_000,
    unsealed_segments=1,
    sealed_segments_total=7,
    seal_failures_total=5,
    compaction_failures_total=10,
    sync_seconds=0.004,
    spool_bytes=90_000,
    unpublished_parts=6,
    published_parts_total=8,
    publish_failures_total=9,
)


@pytest.fixture
def serve():
    """Serve vitals on a free port until the test ends."""
    servers = []

    def start(vitals=lambda: CALM, address="127.0.0.1:0"):
        servers.append(health.serve(address, vitals, LIMIT))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def get(server, path, method="GET"):
    line = http.client.HTTPConnection(server.host, server.port, timeout=10)
    line.request(method, path)
    answer = line.getresponse()
    body = answer.read().decode()
    line.close()
    return answer.status, answer.headers["Content-Type"], body


def samples(text):
    """Return the value of each sample by its name and project."""
    return {
        (sample.name, sample.labels.get("project_id")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


# Ready or not


def test_a_recorder_that_receives_and_keeps_everything_is_ready():
    assert health.readiness(CALM, NOW, LIMIT) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_writable": False}, "journal: cannot be written"),
        ({"connections_open": 1}, "connections: 1 of 2 open"),
        ({"refused_topics": 3}, "topics: 3 refused"),
        (
            {"is_ready": {"one": True, "two": False}},
            "project two: not every topic is confirmed",
        ),
        (
            {"last_received_at": {"one": NOW - 45.5, "two": NOW}},
            "project one: silent for 46 s (limit 45 s)",
        ),
        (
            {"last_received_at": {"one": NOW, "two": None}},
            "project two: silent for 3600 s (limit 45 s)",
        ),
        (
            {"last_received_at": {"one": NOW + 600, "two": NOW}},
            "project one: the clock was set back by 600 s",
        ),
        ({"is_ready": {}}, "no project"),
    ],
)
def test_each_trouble_is_a_reason_of_its_own(change, why):
    assert health.readiness(replace(CALM, **change), NOW, LIMIT) == [why]


def test_silence_up_to_the_limit_is_no_fault():
    quiet = replace(CALM, last_received_at={"one": NOW - LIMIT, "two": NOW + LIMIT})

    assert health.readiness(quiet, NOW, LIMIT) == []


def test_a_recorder_that_has_just_started_is_not_blamed_for_silence():
    fresh = replace(CALM, started_at=NOW - 1, last_received_at={"one": None, "two": None})

    assert health.readiness(fresh, NOW, LIMIT) == []


def test_all_reasons_are_told_at_once():
    broken = replace(CALM, is_writable=False, is_ready={"one": False, "two": False})

    assert len(health.readiness(broken, NOW, LIMIT)) == 3


# Metrics


def test_every_vital_sign_is_a_metric():
    told = samples(health.exposition(CALM, NOW).decode())

    assert told == {
        ("archiver_start_timestamp_seconds", None): NOW - 3600,
        ("archiver_frames_total", None): 1200,
        ("archiver_journaled_bytes_total", None): 3_600_000,
        ("archiver_connections_open", None): 2,
        ("archiver_connections_wanted", None): 2,
        ("archiver_reconnects_total", None): 3,
        ("archiver_gaps_total", None): 4,
        ("archiver_refused_topics", None): 0,
        ("archiver_project_ready", "one"): 1,
        ("archiver_project_ready", "two"): 1,
        ("archiver_last_received_timestamp_seconds", "one"): NOW - 5,
        ("archiver_last_received_timestamp_seconds", "two"): NOW - 12.5,
        ("archiver_silence_seconds", "one"): 5,
        ("archiver_silence_seconds", "two"): 12.5,
        ("archiver_token_expiry_timestamp_seconds", "one"): NOW + 7200,
        ("archiver_journal_writable", None): 1,
        ("archiver_journal_bytes", None): 70_000,
        ("archiver_unsealed_segments", None): 1,
        ("archiver_sealed_segments_total", None): 7,
        ("archiver_seal_failures_total", None): 5,
        ("archiver_compaction_failures_total", None): 10,
        ("archiver_sync_duration_seconds", None): 0.004,
        ("archiver_spool_bytes", None): 90_000,
        ("archiver_spool_full", None): 0,
        ("archiver_unpublished_parts", None): 6,
        ("archiver_published_parts_total", None): 8,
        ("archiver_publish_failures_total", None): 9,
    }


@pytest.mark.parametrize("name", [field.name for field in fields(Vitals)])
def test_no_vital_sign_is_forgotten(name):
    was = getattr(CALM, name)
    changed = {"one": 1.0, "two": 0.0} if isinstance(was, dict) else not was or was + 1

    assert health.exposition(replace(CALM, **{name: changed}), NOW) != health.exposition(CALM, NOW)


def test_before_the_first_sign_of_life_silence_grows_from_the_start():
    told = samples(
        health.exposition(replace(CALM, last_received_at={"one": NOW, "two": None}), NOW).decode()
    )

    assert told["archiver_silence_seconds", "two"] == 3600
    assert ("archiver_last_received_timestamp_seconds", "two") not in told


def test_names_say_what_they_count_in_which_unit_and_every_metric_has_help():
    families = list(text_string_to_metric_families(health.exposition(CALM, NOW).decode()))

    assert all(family.name.startswith("archiver_") and family.documentation for family in families)
    assert {family.type for family in families} == {"counter", "gauge"}
    assert all(
        set(sample.labels) <= {"project_id"} for family in families for sample in family.samples
    )


def test_asking_twice_tells_the_same():
    assert health.exposition(CALM, NOW) == health.exposition(CALM, NOW)


# Over HTTP


def test_metrics_are_served_in_the_format_that_prometheus_reads(serve):
    status, kind, text = get(serve(), "/metrics")

    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert samples(text)["archiver_frames_total", None] == 1200


def test_silence_is_measured_when_somebody_asks(serve):
    now = time.time()
    live = replace(CALM, started_at=now, last_received_at={"one": now - 30, "two": now})

    told = samples(get(serve(lambda: live), "/metrics")[2])

    assert 30 <= told["archiver_silence_seconds", "one"] < 40


def test_alive_whatever_the_recorder_does(serve):
    def broken():
        raise AssertionError

    assert get(serve(broken), "/healthz") == (200, "text/plain; charset=utf-8", "alive\n")


def test_readiness_follows_the_recorder(serve):
    now = time.time()
    state = [replace(CALM, last_received_at={"one": now, "two": now})]
    server = serve(lambda: state[0])
    before = get(server, "/readyz?verbose")
    state[0] = replace(state[0], is_writable=False, refused_topics=2)
    after = get(server, "/readyz")

    assert before == (200, "text/plain; charset=utf-8", "ready\n")
    assert after == (
        503,
        "text/plain; charset=utf-8",
        "journal: cannot be written\ntopics: 2 refused\n",
    )


@pytest.mark.parametrize("path", ["/", "/metrics/", "/readyz/../healthz", "/debug"])
def test_nothing_else_is_there(serve, path):
    assert get(serve(), path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(serve, method):
    assert get(serve(), "/metrics", method)[0] == 501


def test_probes_leave_nothing_in_the_log(serve, capfd, caplog):
    server = serve()
    get(server, "/metrics")
    get(server, "/nowhere")
    with socket.create_connection((server.host, server.port)) as line:
        line.sendall(b"no HTTP at all\r\n\r\n")
        line.recv(1000)

    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_mistake_of_ours_is_logged_and_the_probe_fails(serve, caplog):
    def broken():
        raise KeyError("sign")

    server = serve(broken)
    with pytest.raises(http.client.RemoteDisconnected):
        get(server, "/metrics")

    assert "probe_failed" in caplog.text
    assert get(server, "/healthz")[0] == 200


def test_a_prober_that_says_nothing_holds_nobody_up(serve):
    server = serve()
    with socket.create_connection((server.host, server.port)):
        assert get(server, "/healthz")[0] == 200


def test_many_may_ask_at_once(serve):
    server = serve()
    answers = []
    askers = [
        threading.Thread(target=lambda: answers.append(get(server, "/metrics")[0]))
        for _ in range(20)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()

    assert answers == [200] * 20


def test_the_server_never_holds_up_the_end_of_the_process(serve):
    serve()

    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "health")


def test_after_the_end_the_port_is_free_again():
    first = health.serve("127.0.0.1:0", lambda: CALM, LIMIT)
    first.close()
    first.close()
    second = health.serve(f"127.0.0.1:{first.port}", lambda: CALM, LIMIT)
    second.close()

    assert second.port == first.port
    assert not [thread for thread in threading.enumerate() if thread.name == "health"]


# The address


def test_a_port_in_use_is_one_line(serve):
    taken = serve().port

    with pytest.raises(ArchiverError) as caught:
        serve(address=f"127.0.0.1:{taken}")

    assert str(caught.value) == (
        f"127.0.0.1:{taken}: cannot answer probes there (Address already in use);"
        " choose another with --health"
    )


def test_a_host_that_is_not_ours_is_one_line(serve):
    with pytest.raises(ArchiverError, match=r"^192\.0\.2\.1:9464: cannot answer probes there \("):
        serve(address="192.0.2.1:9464")


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9464", ("::1", 9464)),
        ("[::]:80", ("::", 80)),
    ],
)
def test_an_address_is_host_and_port(address, parsed):
    assert health.parse_address(address) == parsed


@pytest.mark.parametrize(
    "address",
    ["", "9464", ":9464", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[h]:80"],
)
def test_anything_else_is_no_address(address):
    with pytest.raises(ArchiverError) as caught:
        health.parse_address(address)

    assert str(caught.value) == (
        f"{address}: not HOST:PORT; give --health 127.0.0.1:9464, for example"
    )
