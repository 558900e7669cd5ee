"""Holds deploy/ to the product: commands, options, paths, ports, metrics; nothing is started."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

import promql_parser
import pytest
import yaml

import archiver.cli
from archiver import health

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PORT = 9464
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RECORD = archiver.cli.cli.commands["record"]
METRICS = {sign.name for sign in health.SIGNS}


def unit():
    """Return the unit's settings by section; one that stands twice keeps its last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(DEPLOY / "tiledesk-archiver.service", "utf-8")
    return parser


def dockerfile():
    """Yield the instructions of the Dockerfile with their words."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def instructions(name):
    return [rest for found, rest in dockerfile() if found == name]


def recorder():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["recorder"]


def objects():
    """Return the objects for Kubernetes by their kind."""
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))
    return {document["kind"]: document for document in documents}


def pod():
    return objects()["StatefulSet"]["spec"]["template"]["spec"]


def rules():
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))["groups"]
    return group["rules"]


def command_lines():
    """Return the words after `archiver` of each way to run it."""
    (container,) = pod()["containers"]
    return {
        "systemd": shlex.split(unit()["Service"]["ExecStart"])[1:],
        "Dockerfile": json.loads(instructions("CMD")[0]),
        "compose": recorder()["command"],
        "kubernetes": container["args"],
    }


def settings():
    """Return the names of the environment variables that are set for the recorder."""
    (container,) = pod()["containers"]
    return {
        *recorder()["environment"],
        *(variable["name"] for variable in container["env"]),
        *re.findall(r"ARCHIVE\w*[A-Z]\b", (DEPLOY / "tiledesk-archiver.service").read_text()),
        *(pair.partition("=")[0] for pair in shlex.split(instructions("ENV")[0])),
    }


# Every way


@pytest.mark.parametrize("way", command_lines())
def test_the_options_exist(way):
    known = {option for param in RECORD.params for option in param.opts}

    assert {word for word in command_lines()[way] if word.startswith("--")} <= known


@pytest.mark.parametrize("way", command_lines())
def test_the_command_is_record_and_it_answers_probes_on_the_same_port(way):
    command, *words = command_lines()[way]

    assert command == "record"
    assert health.parse_address(words[words.index("--health") + 1])[1] == PORT


def test_the_environment_names_options():
    known = {f"ARCHIVER_RECORD_{param.name.upper()}" for param in RECORD.params}

    assert {name for name in settings() if name.startswith("ARCHIVE")} - {"ARCHIVE"} <= known
    assert "ARCHIVER_RECORD_PROJECTS" in settings()


def test_no_token_is_on_a_command_line_or_in_the_environment():
    assert not [name for name in settings() if "TOKEN" in name]
    assert all(
        "--token-file" in words for way, words in command_lines().items() if way != "Dockerfile"
    )


def test_probes_ask_for_what_is_answered():
    (container,) = pod()["containers"]
    paths = {container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    (url,) = re.findall(r'urlopen\("([^"]+)"', " ".join(recorder()["healthcheck"]["test"]))
    answered = (ROOT / "archiver" / "health.py").read_text("utf-8")

    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert urlsplit(url).port == PORT
    assert all(f'path == "{path}"' in answered for path in paths | {urlsplit(url).path})


# systemd


def test_systemd_hears_from_the_recorder_and_trusts_it_with_little():
    service = unit()["Service"]

    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 30
    assert service["DynamicUser"] == "yes"
    assert service["LoadCredential"].startswith("token:")
    assert "--token-file %d/token" in service["ExecStart"]
    assert f"--archive %S/{service['StateDirectory']}" in service["ExecStart"]
    assert service["Restart"] == "on-failure"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_unit(tmp_path):
    text = (DEPLOY / "tiledesk-archiver.service").read_text("utf-8")
    program = shlex.split(unit()["Service"]["ExecStart"])[0]
    installed = text.replace(program, sys.executable)

    assert complaints(installed, tmp_path) == []
    assert len(complaints(installed.replace("UMask=0077", "UMusk=0077"), tmp_path)) == 1


def complaints(text, folder):
    """Return what systemd says of a unit; of others on this machine it may say what it likes."""
    copy = folder / "tiledesk-archiver.service"
    copy.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if copy.name in line]


# Docker


def test_the_image_runs_a_command_of_ours_without_privileges():
    assert json.loads(instructions("ENTRYPOINT")[0])[0] in PROJECT["project"]["scripts"]
    assert instructions("USER")[-1].split(":")[0] not in {"root", "0"}
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("EXPOSE") == [str(PORT)]
    assert PROJECT["project"]["name"] in instructions("RUN")[-1]


def test_the_image_has_a_python_that_we_support():
    (version,) = re.findall(r"^PYTHON=(.*)", instructions("ARG")[0])

    assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]
    assert instructions("FROM") == ["python:${PYTHON}-slim AS build", "python:${PYTHON}-slim"]


def test_the_build_gets_what_the_package_is_made_of():
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    sources = PROJECT["tool"]["setuptools"]["package-dir"].values()
    packages = {name.split(".")[0] for name in PROJECT["tool"]["setuptools"]["packages"]}
    needed = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", *sources, *packages}

    assert copied == needed
    assert all((ROOT / name).exists() for name in copied)


def test_the_build_sees_only_what_it_copies():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if not line.startswith("#")]
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}

    assert patterns[0] == "*"
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == copied
    assert fnmatch("archiver/__pycache__", patterns[-1])


def test_compose_builds_the_image_and_keeps_the_archive():
    service = recorder()
    build = service["build"]
    volumes = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["volumes"]
    volume, target = service["volumes"][0].split(":")

    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert volume in volumes
    assert instructions("VOLUME") == [target]
    assert f"ARCHIVE={target}" in instructions("ENV")[0]
    assert service["secrets"] == ["token"]
    assert "/run/secrets/token" in service["command"]
    assert service["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]  # not for the whole network
    assert service["read_only"]


# Kubernetes


def test_kubernetes_runs_one_recorder_and_keeps_its_archive():
    spec = objects()["StatefulSet"]["spec"]
    (container,) = pod()["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    claims = {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    (archive,) = (one["value"] for one in container["env"] if one["name"] == "ARCHIVE")

    assert spec["replicas"] == 1
    assert set(mounts) == claims | {volume["name"] for volume in pod()["volumes"]}
    assert archive.startswith(mounts["archive"])
    assert f"{mounts['token']}/token" in container["args"]
    assert not any("subPath" in mount for mount in container["volumeMounts"])  # would never renew


def test_kubernetes_names_fit_together():
    found = objects()
    spec = found["StatefulSet"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    (secret,) = (volume["secret"] for volume in pod()["volumes"] if "secret" in volume)
    (container,) = pod()["containers"]
    (port,) = container["ports"]

    assert spec["selector"]["matchLabels"] == labels == found["Service"]["spec"]["selector"]
    assert spec["serviceName"] == found["Service"]["metadata"]["name"]
    assert secret["secretName"] == found["Secret"]["metadata"]["name"]
    assert set(found["Secret"]["stringData"]) == {"token"}
    assert port["containerPort"] == found["Service"]["spec"]["ports"][0]["port"] == PORT
    assert {container[name]["httpGet"]["port"] for name in container if "Probe" in name} == {
        port["name"]
    }


def test_kubernetes_gives_the_recorder_no_privileges():
    (container,) = pod()["containers"]
    context = container["securityContext"]

    assert pod()["securityContext"]["runAsNonRoot"]
    assert f"{pod()['securityContext']['runAsUser']}:" in instructions("USER")[-1]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_it_has_longer_to_stop_than_it_needs():
    times = {
        int(unit()["Service"]["TimeoutStopSec"]),
        int(recorder()["stop_grace_period"].removesuffix("s")),
        pod()["terminationGracePeriodSeconds"],
    }

    assert times == {60}


# Alerts


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_is_about_metrics_that_exist(rule):
    promql_parser.parse(rule["expr"])
    names = set(re.findall(r"archiver_\w+", rule["expr"]))
    with_project = {sign.name for sign in health.SIGNS if isinstance(sign.value(CALM, 0.0), dict)}

    assert names
    assert names <= METRICS
    assert all(name.endswith("_total") for name in re.findall(r"increase\((\w+)", rule["expr"]))
    if "$labels.project_id" in str(rule["annotations"]):
        assert names <= with_project
    if "absent" in rule["expr"]:
        assert "$labels" not in str(rule["annotations"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do_and_stands_in_the_documents(rule):
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+m", rule.get("for", "1m"))
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert f"`{rule['alert']}`" in text


def test_every_fault_has_an_alert():
    told = set(re.findall(r"archiver_\w+", " ".join(rule["expr"] for rule in rules())))
    plain = {
        "archiver_frames_total",
        "archiver_journal_bytes",
        "archiver_journaled_bytes_total",
        "archiver_last_received_timestamp_seconds",
        "archiver_published_parts_total",
        "archiver_sealed_segments_total",
        "archiver_spool_bytes",
    }

    assert told == METRICS - plain


CALM = health.Vitals(
    started_at=0,
    frames_total=0,
    bytes_total=0,
    connections_open=1,
    connections_wanted=1,
    reconnects_total=0,
    gaps_total=0,
    refused_topics=0,
    last_received_at={"one": 0},
    token_expires_at={"one": 0},
    is_ready={"one": True},
    is_writable=True,
    journal_bytes=0,
    unsealed_segments=0,
    sealed_segments_total=0,
    seal_failures_total=0,
    sync_seconds=0,
)
