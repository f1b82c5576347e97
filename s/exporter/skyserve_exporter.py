#!/usr/bin/env python3
"""SkyServe for Prometheus: metrics of its services, and their replicas as scrape targets.

Asks a SkyPilot API server (0.10 or newer) for the status of its services, in the background, and answers from
what it was told last:

    /metrics                                       states, placement, launches and terminations of the replicas
    /sd[?service=NAME][&port=9100][&path=/metrics]  the replicas' addresses, for `http_sd_configs`
    /healthz                                       whether this process works (not whether the API server does)

Needs Python 3.10 and nothing else. The environment configures it:

    SKYPILOT_API_SERVER_ENDPOINT   https://sky.example.com (required)
    SKYPILOT_TOKEN_FILE            a file with a service account's token; the role `viewer` is enough
    SKYPILOT_BASIC_AUTH_FILE       instead of a token: a file with `user:password`
    SKYPILOT_CA_FILE               the authority of the API server's certificate, if it is not a public one
    SKYSERVE_SERVICES              names, separated by commas; empty is all
    POLL_INTERVAL_SECONDS          60; a poll keeps a worker of the API server busy for seconds
    REQUEST_TIMEOUT_SECONDS        60; for one poll, whatever happens in it
    STALE_AFTER_SECONDS            five intervals and a timeout; older data is not shown any more
    LISTEN_ADDRESS                 127.0.0.1:9091

The files are read anew for each poll, so a new token needs no restart. A poll that fails is a failure and never a
zero: `skyserve_up` is 0, the data grows old and is then dropped, and `/sd` answers 503, for which Prometheus keeps
the targets that it has. The API server's answer holds secrets (the whole task file): only the fields that are
named here leave `read_record`, and nothing of an answer's text is ever printed. Redirects are not followed and
proxies are not used, so the token goes to the one address that was configured.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import http.client
import http.server
import json
import math
import os
import re
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# SkyPilot's own words (sky/serve/serve_state.py); the same since SkyPilot 0.8.
REPLICA_STATUSES = (
    "PENDING", "PROVISIONING", "STARTING", "READY", "NOT_READY", "SHUTTING_DOWN", "FAILED", "FAILED_INITIAL_DELAY",
    "FAILED_PROBING", "FAILED_PROVISION", "FAILED_CLEANUP", "PREEMPTED", "UNKNOWN",
)  # fmt: skip
SERVICE_STATUSES = (
    "CONTROLLER_INIT", "REPLICA_INIT", "CONTROLLER_FAILED", "READY", "SHUTTING_DOWN", "FAILED", "FAILED_CLEANUP",
    "NO_REPLICA",
)  # fmt: skip
NOT_STARTED = ("PENDING", "PROVISIONING")
STARTED = ("STARTING", "READY", "NOT_READY")
FAILED = ("FAILED", "FAILED_INITIAL_DELAY", "FAILED_PROBING", "FAILED_PROVISION", "FAILED_CLEANUP")
# From these there is no way back.
ENDING = ("SHUTTING_DOWN", "PREEMPTED", *FAILED)
# A replica that fails its probe is when its metrics are needed most. One that still loads its model has none yet.
SCRAPED = ("READY", "NOT_READY")

TERMINATIONS = ("preempted", "lost", "shutdown", "failed")

# What ends the process.
ENDS = (signal.SIGTERM, signal.SIGINT)

# Why a poll failed, and what the one who reads the log can do about it.
REASONS = {
    "bad_answer": "this is not an answer of a SkyPilot API server of 0.10 or newer",
    "connection": "is the API server running, and can this machine or container reach its address?",
    "credentials": "the file of the token, the password or the authority cannot be used; see above",
    "forbidden": "the account may not read the status of services; give it the role `viewer`",
    "internal": "this is a bug of the exporter",
    "interrupted": "the API server was restarted meanwhile",
    "no_controller": "SkyServe's controller does not run: stopped, failed, or no service was ever started",
    "rate_limited": "the API server asks for fewer requests; raise POLL_INTERVAL_SECONDS",
    "redirect": "redirects are not followed; configure the address itself as SKYPILOT_API_SERVER_ENDPOINT",
    "request_failed": "the API server could not find out; its log says more",
    "timeout": "the API server takes too long; raise REQUEST_TIMEOUT_SECONDS, or look at its load",
    "tls": "the certificate is not trusted or not for this name; see SKYPILOT_CA_FILE",
    "unauthorized": "the token or password is missing, wrong, expired or revoked",
    "unavailable": "the API server, or the proxy before it, is overloaded or starting",
    "version_mismatch": "the API server does not speak this protocol; update the older side",
}
# After these the request may still run on the API server, with nobody to wait for it.
ABANDONED = ("connection", "timeout", "unavailable")

# From this version on the answer spares us a pickle for each replica; SkyPilot 0.14 accepts 24 and above.
API_VERSION = "51"
# 100,000 replicas are about 50 MB.
MAX_ANSWER_BYTES = 128 << 20
MAX_ERROR_BYTES = 1 << 20
MAX_SECRET_BYTES = 64 << 10
MAX_LABEL_CHARACTERS = 128
CANCEL_SECONDS = 3.0
# A failing API server is asked less often, up to so many intervals apart.
MAX_BACKOFF = 5
# Whoever asks us: so many at once, each for so long. More wait until one is done.
CLIENTS = 8
CLIENT_SECONDS = 30.0


def log(message: str) -> None:
    print(f"skyserve_exporter: {message}", file=sys.stderr, flush=True)


# --- Configuration ---------------------------------------------------------------------------------------------------


class BadEnvironment(Exception):
    """What is wrong with a variable, for the one who sets it."""


@dataclass(frozen=True)
class Settings:
    tls: bool
    host: str
    port: int
    prefix: str
    token_file: str
    basic_auth_file: str
    ca_file: str
    services: tuple[str, ...]
    interval: float
    timeout: float
    stale_after: float
    listen: tuple[str, int]

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Settings:
        def get(name: str) -> str:
            return env.get(name, "").strip()

        tls, host, port, prefix = read_endpoint_variable(get("SKYPILOT_API_SERVER_ENDPOINT"))
        interval = read_seconds("POLL_INTERVAL_SECONDS", get("POLL_INTERVAL_SECONDS"), 60.0)
        timeout = read_seconds("REQUEST_TIMEOUT_SECONDS", get("REQUEST_TIMEOUT_SECONDS"), 60.0)
        settings = cls(
            tls=tls,
            host=host,
            port=port,
            prefix=prefix,
            token_file=get("SKYPILOT_TOKEN_FILE"),
            basic_auth_file=get("SKYPILOT_BASIC_AUTH_FILE"),
            ca_file=get("SKYPILOT_CA_FILE"),
            services=read_names(get("SKYSERVE_SERVICES")),
            interval=interval,
            timeout=timeout,
            stale_after=read_seconds("STALE_AFTER_SECONDS", get("STALE_AFTER_SECONDS"), 5 * interval + timeout),
            listen=read_listen_address(get("LISTEN_ADDRESS") or "127.0.0.1:9091"),
        )
        if settings.token_file and settings.basic_auth_file:
            raise BadEnvironment("set SKYPILOT_TOKEN_FILE or SKYPILOT_BASIC_AUTH_FILE, not both")
        if settings.ca_file and not tls:
            raise BadEnvironment("SKYPILOT_CA_FILE is for an https:// endpoint")
        if settings.stale_after <= interval:
            raise BadEnvironment("STALE_AFTER_SECONDS must be more than POLL_INTERVAL_SECONDS, or data comes and goes")
        return settings

    def url(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{bracketed(self.host)}:{self.port}{self.prefix}"


def read_endpoint_variable(text: str) -> tuple[bool, str, int, str]:
    name = "SKYPILOT_API_SERVER_ENDPOINT"
    if not text:
        raise BadEnvironment(f"{name} is not set; example: {name}=https://sky.example.com")
    try:
        url = urllib.parse.urlsplit(text)
        port = url.port
    except ValueError:
        raise BadEnvironment(f"{name} is not a URL; example: https://sky.example.com") from None
    # Not shown from here on: it may hold a password.
    if "@" in url.netloc:
        raise BadEnvironment(f"{name} must not hold a user and password; put them into SKYPILOT_BASIC_AUTH_FILE")
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise BadEnvironment(f"{name} must be http://HOST[:PORT][/PATH] or https://…, without a query")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise BadEnvironment(f"{name} has characters that no URL has")
    tls = url.scheme == "https"
    return tls, url.hostname, port or (443 if tls else 80), url.path.rstrip("/")


def read_seconds(name: str, text: str, default: float) -> float:
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.05 <= seconds <= 86400:
        raise BadEnvironment(f"{name} is `{text}`; it must be a number of seconds, such as {default:g}")
    return seconds


def read_names(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", name):
            raise BadEnvironment(f"SKYSERVE_SERVICES: `{name}` is no name of a service (patterns are not known here)")
    return tuple(dict.fromkeys(names))


def read_listen_address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise BadEnvironment(f"LISTEN_ADDRESS is `{text}`; it must be HOST:PORT, such as 0.0.0.0:9091")
    return host, int(port)


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


# --- The API server --------------------------------------------------------------------------------------------------


class Failure(Exception):
    """Why a poll failed. `detail` is our own words, a status code or an error's name: never an answer's text."""

    def __init__(self, reason: str, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytearray


def shut(sock: socket.socket) -> None:
    """Ends a connection under the hands of the thread that uses it. The plain socket's method: TLS has its own idea."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextlib.contextmanager
def cut_after(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Ends a connection when its time is over, however slowly the other side goes on talking."""
    cut = threading.Event()

    def end() -> None:
        cut.set()
        shut(sock)

    timer = threading.Timer(max(seconds, 0.0), end)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()


class ApiServer:
    """The two calls that make a status, over a connection each. One thread uses it; `abort` is for another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers: dict[str, str] = {}
        self._tls: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._aborted = threading.Event()
        self.version = ("", "")

    def load_secrets(self) -> None:
        """Reads the files anew, so that a new token or authority needs no restart."""
        self._headers = {
            "Content-Type": "application/json",
            "X-SkyPilot-API-Version": API_VERSION,
            "X-SkyPilot-Version": "skyserve-exporter",
            "Connection": "close",
            **authorization(self._settings),
        }
        self._tls = tls_context(self._settings)

    def status(self) -> list[Service]:
        """The services as the API server sees them now."""
        deadline = time.monotonic() + self._settings.timeout
        self.load_secrets()
        try:
            return self._ask(deadline)
        except Failure as failure:
            if failure.reason != "interrupted":
                raise
        # The API server was restarted and has forgotten the request: it can be made again at once.
        return self._ask(deadline)

    def abort(self) -> None:
        """Ends what is under way, so that the process can end."""
        self._aborted.set()
        if self._socket is not None:
            shut(self._socket)

    def _ask(self, deadline: float) -> list[Service]:
        request_id = self._submit(deadline)
        try:
            response = self._exchange("GET", f"/api/get?request_id={request_id}", None, deadline)
            expect_success(response, unknown_is_interrupted=True)
            return read_answer(response.body)
        except Failure as failure:
            if failure.reason in ABANDONED:
                self._cancel(request_id)
            raise

    def _submit(self, deadline: float) -> str:
        names = list(self._settings.services) or None
        response = self._exchange("POST", "/serve/status", {"service_names": names}, deadline)
        expect_success(response)
        self.version = (
            label(response.headers.get("X-SkyPilot-Version"), ""),
            label(response.headers.get("X-SkyPilot-API-Version"), ""),
        )
        request_id: str = response.headers.get("X-SkyPilot-Request-ID") or response.headers.get("X-Request-ID") or ""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", request_id):
            raise Failure("bad_answer", "the answer names no request")
        return request_id

    def _cancel(self, request_id: str) -> None:
        deadline = time.monotonic() + CANCEL_SECONDS
        with contextlib.suppress(Failure):
            self._exchange("POST", "/api/cancel", {"request_ids": [request_id]}, deadline, last_word=True)

    def _exchange(
        self, method: str, path: str, body: object, deadline: float, last_word: bool = False
    ) -> Response:
        left = deadline - time.monotonic()
        if left <= 0 or (self._aborted.is_set() and not last_word):
            raise Failure("timeout", "no time is left")
        try:
            sock = self._connect(left)
            with contextlib.closing(sock), cut_after(sock, deadline - time.monotonic()) as cut:
                self._socket = sock
                # `abort` may have come before there was anything to shut.
                if self._aborted.is_set() and not last_word:
                    raise Failure("timeout", "ended")
                try:
                    response = self._talk(sock, method, path, body)
                except (OSError, http.client.HTTPException, ValueError, Failure):
                    if not cut.is_set():
                        raise
                # What a cut connection brought is not the whole answer, whether it looks so or not.
                if cut.is_set():
                    raise TimeoutError
                return response
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise failure_of(error) from None
        finally:
            self._socket = None

    def _connect(self, seconds: float) -> socket.socket:
        settings = self._settings
        sock = socket.create_connection((settings.host, settings.port), timeout=seconds)
        if self._tls is None:
            return sock
        # The handshake is `_talk`'s, where the time is measured.
        return self._tls.wrap_socket(sock, server_hostname=settings.host, do_handshake_on_connect=False)

    def _talk(self, sock: socket.socket, method: str, path: str, body: object) -> Response:
        settings = self._settings
        connection = http.client.HTTPConnection(settings.host, settings.port)
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
            connection = http.client.HTTPSConnection(settings.host, settings.port, context=self._tls)
        connection.sock = sock
        payload = None if body is None else json.dumps(body).encode()
        connection.request(method, settings.prefix + path, payload, self._headers)
        with connection.getresponse() as response:
            limit = MAX_ANSWER_BYTES if response.status == 200 else MAX_ERROR_BYTES
            return Response(response.status, response.headers, read_bounded(response, limit))


def authorization(settings: Settings) -> dict[str, str]:
    if settings.token_file:
        token = read_secret("SKYPILOT_TOKEN_FILE", settings.token_file)
        if not re.fullmatch(r"[!-~]+", token):
            raise Failure("credentials", "SKYPILOT_TOKEN_FILE: the file holds more than a token")
        return {"Authorization": f"Bearer {token}"}
    if settings.basic_auth_file:
        pair = read_secret("SKYPILOT_BASIC_AUTH_FILE", settings.basic_auth_file)
        if ":" not in pair:
            raise Failure("credentials", "SKYPILOT_BASIC_AUTH_FILE: the file must hold `user:password`")
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def read_secret(variable: str, path: str) -> str:
    try:
        with open(path, "rb") as file:
            secret = file.read(MAX_SECRET_BYTES).decode().strip()
    except OSError as error:
        raise Failure("credentials", f"{variable}: cannot read `{path}`: {error.strerror}") from None
    except ValueError:
        secret = ""
    # A line break would become a header of its own.
    if not secret or not secret.isprintable():
        raise Failure("credentials", f"{variable}: `{path}` does not hold one line of text")
    return secret


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ValueError):
        raise Failure("credentials", f"SKYPILOT_CA_FILE: `{settings.ca_file}` is no readable PEM file") from None


def failure_of(error: Exception) -> Failure:
    if isinstance(error, TimeoutError):
        return Failure("timeout", "no answer in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure("tls", error.verify_message)
    if isinstance(error, ssl.SSLError):
        return Failure("tls", error.reason or "the connection is no TLS")
    if isinstance(error, OSError):
        return Failure("connection", error.strerror or "the connection was cut")
    if isinstance(error, http.client.IncompleteRead):
        return Failure("connection", "the answer was cut")
    return Failure("bad_answer", "the answer is not HTTP")


def read_bounded(response: http.client.HTTPResponse, limit: int) -> bytearray:
    body = bytearray()
    while chunk := response.read(1 << 16):
        body += chunk
        if len(body) > limit:
            raise Failure("bad_answer", f"the answer is longer than {limit >> 20} MiB")
    if response.length:  # what was promised and did not come
        raise Failure("connection", "the answer was cut")
    return body


def expect_success(response: Response, unknown_is_interrupted: bool = False) -> None:
    """Says what an answer other than 200 means."""
    status, detail = response.status, f"HTTP status {response.status}"
    if status == 200:
        return
    if status == 404 and unknown_is_interrupted:
        raise Failure("interrupted", detail)
    if 300 <= status < 400:
        raise Failure("redirect", detail)
    if status == 500:
        raise failed_request(response.body)
    if status == 400 and field_of(read_json(response.body), "error") == "version_mismatch":
        server = response.headers.get("X-SkyPilot-API-Version") or ""
        known = server if re.fullmatch(r"[0-9]{1,6}", server) else "not known"
        raise Failure("version_mismatch", f"the API server's version is {known}, ours is {API_VERSION}")
    reasons = {401: "unauthorized", 403: "forbidden", 429: "rate_limited", 502: "unavailable", 503: "unavailable",
               504: "unavailable"}  # fmt: skip
    raise Failure(reasons.get(status, "bad_answer"), detail, read_retry_after(response.headers))


def failed_request(body: bytearray) -> Failure:
    """A request that failed on the API server. Its error has a type and a message; the message may quote secrets."""
    error = field_of(field_of(read_json(body), "detail"), "error")
    kind = field_of(read_json(error), "type")
    if kind == "ClusterNotUpError":
        return Failure("no_controller", kind)
    if kind == "RequestInterruptedError":
        return Failure("interrupted", kind)
    named = isinstance(kind, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", kind)
    return Failure("request_failed", str(kind) if named else "HTTP status 500")


def read_retry_after(headers: http.client.HTTPMessage) -> float:
    text = headers.get("Retry-After") or ""
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else 0.0


def read_json(text: object) -> object:
    """What the text means, or nothing if it is no JSON."""
    try:
        return json.loads(text) if isinstance(text, (str, bytearray)) else None
    except (ValueError, RecursionError):
        return None


def field_of(record: object, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None


# --- What the answer says --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replica:
    id: int
    status: str
    version: str
    endpoint: str
    spot: str
    launched: float | None
    cloud: str
    region: str
    accelerator: str
    # How many of them the replica has, on all its machines.
    accelerator_count: str

    def placement(self) -> tuple[str, str, str]:
        return self.cloud, self.region, self.spot


@dataclass(frozen=True)
class Service:
    name: str
    # The incarnation: `sky serve down` and `up` give a new one.
    hash: str = ""
    # Empty: the API server was asked for this name and does not know it.
    status: str = ""
    version: float | None = None
    active_versions: int = 0
    first_ready: float | None = None
    target: float | None = None
    replicas: Mapping[int, Replica] = field(default_factory=dict)


def read_answer(body: bytearray) -> list[Service]:
    """The services in a finished request: JSON inside JSON."""
    try:
        request = json.loads(body)
        body.clear()
        if not isinstance(request, dict) or request.get("status") != "SUCCEEDED":
            raise ValueError
        text = request.pop("return_value")
        request.clear()
        records = json.loads(text, object_hook=read_record)
        if not isinstance(records, list):
            raise ValueError
        return [read_service(record) for record in records if not is_pool(record)]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Failure("bad_answer", "the answer is not the status of services") from None


SERVICE_FIELDS = (
    "name", "hash", "status", "version", "active_versions", "uptime", "target_num_replicas", "replica_info", "pool",
)  # fmt: skip


def read_record(record: dict[str, Any]) -> Replica | dict[str, Any]:
    """Called for each object as it is read: what is not needed is gone before the next, and so are all secrets."""
    if "replica_id" in record:
        return read_replica(record)
    return {name: record[name] for name in SERVICE_FIELDS if name in record}


def is_pool(record: object) -> bool:
    return field_of(record, "pool") is True


def read_service(record: dict[str, Any]) -> Service:
    name, replicas = record["name"], record["replica_info"]
    if not isinstance(name, str) or not isinstance(replicas, list):
        raise ValueError
    if not all(isinstance(replica, Replica) for replica in replicas):
        raise ValueError
    active = record.get("active_versions")
    return Service(
        name=label(name),
        hash=label(record.get("hash"), ""),
        status=label(record["status"]),
        version=number(record.get("version")),
        active_versions=len(active) if isinstance(active, list) else 0,
        # Called `uptime`, and yet the time at which it was ready first.
        first_ready=number(record.get("uptime")),
        target=number(record.get("target_num_replicas")),
        replicas={replica.id: replica for replica in replicas},
    )


def read_replica(record: dict[str, Any]) -> Replica:
    replica_id = record["replica_id"]
    if isinstance(replica_id, bool) or not isinstance(replica_id, int) or not 0 <= replica_id < 1 << 53:
        raise ValueError
    status, endpoint = label(record["status"]), record.get("endpoint")
    accelerator, accelerator_count = read_accelerator(record.get("resources_str"))
    return Replica(
        id=replica_id,
        status=status if status in REPLICA_STATUSES else "UNKNOWN",
        version=label(record.get("version")),
        endpoint=endpoint if isinstance(endpoint, str) else "",
        spot="true" if record.get("is_spot") is True else "false",
        launched=number(record.get("launched_at")),
        # A replica without a machine has neither key.
        cloud=label(record.get("cloud")).lower(),
        region=label(record.get("region")),
        accelerator=accelerator,
        accelerator_count=accelerator_count,
    )


def read_accelerator(resources: object) -> tuple[str, str]:
    """`2x[spot](gpus=L40S:4, g6e.12xlarge, …)` is 8 L40S. SkyPilot says it nowhere else."""
    text = resources if isinstance(resources, str) else ""
    found = re.search(r"\bgpus=([^:,()\s]+)(?::([0-9]{1,6}(?:\.[0-9]{1,6})?))?", text)
    if found is None:
        return "none", "0"
    nodes = re.match(r"([0-9]{1,6})x", text)
    return label(found[1]), f"{float(found[2] or 1) * int(nodes[1] if nodes else 1):g}"


def label(value: object, missing: str = "none") -> str:
    """A label's value: bounded, printable, and shared by all who have the same."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str) or not value:
        return missing
    value = value[:MAX_LABEL_CHARACTERS]
    if not value.isprintable():
        value = "".join(character if character.isprintable() else "?" for character in value)
    return sys.intern(value)


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e15:
        return None
    return value


# --- What happened in between ----------------------------------------------------------------------------------------


@dataclass
class Life:
    """One machine under a replica's id, as it was seen last."""

    status: str = ""
    spot: str = ""
    # Its end is counted, although its row may stay: a failed replica's does.
    ended: bool = False


@dataclass
class Ledger:
    """Launches and terminations of one service, which SkyServe does not count, from what changed between two polls.

    A preempted replica shows as PREEMPTED for a short time, or it only vanishes: that is `lost`, where it was a spot
    machine and nobody saw it shut down.
    """

    hash: str
    launches: int = 0
    terminations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TERMINATIONS, 0))
    lives: dict[int, Life] = field(default_factory=dict)

    def follow(self, service: Service, count: bool) -> None:
        """Without `count`, only takes down what the next status is compared with."""
        before, self.lives = self.lives, {}
        if self.hash != service.hash:
            # The service was taken down and started anew; so were the ids.
            for life in before.values():
                self._end(life, "shutdown", count)
            self.hash, before = service.hash, {}
        for replica in service.replicas.values():
            self.lives[replica.id] = self._follow_replica(before.pop(replica.id, None), replica, count)
        for life in before.values():
            self._end(life, how_it_vanished(life), count)

    def _follow_replica(self, life: Life | None, replica: Replica, count: bool) -> Life:
        if life is not None and is_another_machine(life, replica):
            self._end(life, how_it_vanished(life), count)
            life = None
        if life is None:
            life = Life()
            self.launches += count
        life.status, life.spot = replica.status, replica.spot
        if replica.status == "PREEMPTED":
            self._end(life, "preempted", count)
        elif replica.status in FAILED:
            self._end(life, "failed", count)
        return life

    def _end(self, life: Life, reason: str, count: bool) -> None:
        if not life.ended:
            life.ended = True
            self.terminations[reason] += count


def is_another_machine(life: Life, replica: Replica) -> bool:
    """A replica's id is used again: for the next try, and from 1 on after the controller was restarted."""
    if replica.status in NOT_STARTED:
        return life.status in STARTED + ENDING
    return replica.status in STARTED and life.status in ENDING


def how_it_vanished(life: Life) -> str:
    return "lost" if life.status in STARTED and life.spot == "true" else "shutdown"


# --- /metrics --------------------------------------------------------------------------------------------------------

# Labels as they are printed, and the value.
Sample = tuple[str, float]


class Family(NamedTuple):
    name: str
    kind: str
    help: str
    samples: Callable[[Service, Ledger], Iterable[Sample]]


def labels(**values: str) -> str:
    return ",".join(f'{name}="{escaped(value)}"' for name, value in values.items())


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def states(counts: Mapping[str, int], statuses: Iterable[str], **others: str) -> Iterator[Sample]:
    """A sample for each status there is, so that an alert finds a zero where there is none."""
    before = labels(**others)
    return ((f'{before},status="{status}"', counts.get(status, 0)) for status in statuses)


def known(value: float | None, **others: str) -> Iterable[Sample]:
    return [] if value is None else [(labels(**others), value)]


def service_status(service: Service, _: Ledger) -> Iterable[Sample]:
    return states({service.status: 1}, SERVICE_STATUSES, service=service.name)


def replicas(service: Service, _: Ledger) -> Iterable[Sample]:
    counts = collections.Counter(replica.status for replica in service.replicas.values())
    return states(counts, REPLICA_STATUSES, service=service.name)


def replicas_by_placement(service: Service, _: Ledger) -> Iterator[Sample]:
    placements: dict[tuple[str, str, str], collections.Counter[str]] = {}
    for replica in service.replicas.values():
        placements.setdefault(replica.placement(), collections.Counter())[replica.status] += 1
    for (cloud, region, spot), counts in sorted(placements.items()):
        yield from states(counts, REPLICA_STATUSES, service=service.name, cloud=cloud, region=region, spot=spot)


def replica_info(service: Service, _: Ledger) -> Iterator[Sample]:
    for replica in service.replicas.values():
        yield labels(
            service=service.name,
            replica_id=str(replica.id),
            cloud=replica.cloud,
            region=replica.region,
            spot=replica.spot,
            version=replica.version,
            accelerator=replica.accelerator,
            accelerator_count=replica.accelerator_count,
        ), 1


def replica_launched(service: Service, _: Ledger) -> Iterator[Sample]:
    for replica in service.replicas.values():
        yield from known(replica.launched, service=service.name, replica_id=str(replica.id))


def terminations(service: Service, ledger: Ledger) -> Iterator[Sample]:
    return ((labels(service=service.name, reason=reason), n) for reason, n in ledger.terminations.items())


SERVICE_FAMILIES = (
    Family(
        "skyserve_service_status",
        "gauge",
        "1 for the status that the service has. All 0: the API server knows no service of that name.",
        service_status,
    ),
    Family(
        "skyserve_service_version",
        "gauge",
        "The newest version of the service.",
        lambda service, _: known(service.version, service=service.name),
    ),
    Family(
        "skyserve_service_active_versions",
        "gauge",
        "How many versions serve: 2 during a rolling update.",
        lambda service, _: known(service.active_versions, service=service.name),
    ),
    Family(
        "skyserve_service_first_ready_timestamp_seconds",
        "gauge",
        "When the service was ready for the first time. Not there if it never was.",
        lambda service, _: known(service.first_ready, service=service.name),
    ),
    Family(
        "skyserve_service_target_replicas",
        "gauge",
        "How many replicas the autoscaler wants. Not there if the controller does not say.",
        lambda service, _: known(service.target, service=service.name),
    ),
    Family("skyserve_replicas", "gauge", "Replicas by status.", replicas),
    Family(
        "skyserve_replicas_by_placement",
        "gauge",
        "Replicas by status where they are; cloud and region are none without a machine.",
        replicas_by_placement,
    ),
    Family("skyserve_replica_info", "gauge", "A replica, and what it runs on.", replica_info),
    Family(
        "skyserve_replica_launched_timestamp_seconds",
        "gauge",
        "When the replica's machine was launched; each retry of a launch changes it.",
        replica_launched,
    ),
    Family(
        "skyserve_replica_launches_total",
        "counter",
        "Replicas that appeared since the exporter was started.",
        lambda service, ledger: known(ledger.launches, service=service.name),
    ),
    Family(
        "skyserve_replica_terminations_total",
        "counter",
        "Replicas that ended since the exporter was started: preempted, lost (a spot machine that only vanished), "
        "shutdown (taken down, or given up before it started), failed.",
        terminations,
    ),
)


def exposition(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    head = f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"
    return head + "".join(
        f"{name}{{{label_text}}} {value:.15g}\n" if label_text else f"{name} {value:.15g}\n"
        for label_text, value in samples
    )


def service_metrics(services: Mapping[str, Service], ledgers: Mapping[str, Ledger]) -> bytes:
    text = bytearray()
    for name, kind, help_text, samples in SERVICE_FAMILIES:
        all_samples = (sample for service in services.values() for sample in samples(service, ledgers[service.name]))
        text += exposition(name, kind, help_text, all_samples).encode()
    return bytes(text)


# --- /sd -------------------------------------------------------------------------------------------------------------


class BadQuery(Exception):
    """What is wrong with a request, for the one who wrote the scrape job."""


class Query(NamedTuple):
    service: str
    # 0: the endpoint's own.
    port: int
    path: str

    @classmethod
    def of(cls, text: str) -> Query:
        values = urllib.parse.parse_qs(text, keep_blank_values=True)
        for name, given in values.items():
            if name not in cls._fields or len(given) > 1:
                raise BadQuery("known are `service`, `port` and `path`, each once")
        port, path = values.get("port", ["0"])[0], values.get("path", ["/metrics"])[0]
        if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535 or ("port" in values and int(port) == 0):
            raise BadQuery("`port` must be a number from 1 to 65535")
        if not re.fullmatch(r"/[!-~]*", path):
            raise BadQuery("`path` must begin with `/`")
        return cls(values.get("service", [""])[0], int(port), path)


def targets(services: Mapping[str, Service], query: Query) -> list[dict[str, object]]:
    """The answer to `http_sd_configs`: a group for each replica, since the labels are the replica's."""
    chosen = [services[query.service]] if query.service in services else []
    return [
        group
        for service in (chosen if query.service else services.values())
        for replica in service.replicas.values()
        if replica.status in SCRAPED and (group := target(service, replica, query))
    ]


def target(service: Service, replica: Replica, query: Query) -> dict[str, object] | None:
    endpoint = read_endpoint(replica.endpoint)
    if endpoint is None or (query.port and endpoint.path):
        # Behind a path is an ingress, whose other ports are not the replica's.
        return None
    return {
        "targets": [f"{bracketed(endpoint.host)}:{query.port or endpoint.port}"],
        "labels": {
            # The endpoint's scheme is its own port's; exporters of machines and GPUs speak plain HTTP.
            "__scheme__": "http" if query.port else endpoint.scheme,
            "__metrics_path__": endpoint.path + query.path,
            "service": service.name,
            "replica_id": str(replica.id),
            "cloud": replica.cloud,
            "region": replica.region,
            "spot": replica.spot,
            "__meta_skyserve_status": replica.status,
            "__meta_skyserve_version": replica.version,
            "__meta_skyserve_accelerator": replica.accelerator,
        },
    }


class Endpoint(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str


def read_endpoint(text: str) -> Endpoint | None:
    """`http://ip:port`, on Kubernetes `http://host/prefix`; older versions leave the scheme out."""
    try:
        url = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        return None
    host, path = url.hostname or "", url.path.rstrip("/")
    if url.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9._:-]+", host):
        return None
    return Endpoint(url.scheme, host, port, path) if re.fullmatch(r"[!-~]*", path) else None


# --- Polling ---------------------------------------------------------------------------------------------------------


class Snapshot(NamedTuple):
    """What is known, whole: it is replaced and never changed, so that whoever reads needs no lock."""

    services: Mapping[str, Service]
    metrics: bytes
    # By the clock, and by one that nobody sets.
    time: float
    monotonic: float


class Poller:
    """Keeps the newest status, and how it went to get it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = ApiServer(settings)
        self._ledgers: dict[str, Ledger] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
        self._snapshot: Snapshot | None = None
        self._errors = dict.fromkeys(REASONS, 0)
        # Why the newest poll failed; empty if it did not, nothing if there was none.
        self._failed: str | None = None
        self._duration = 0.0

    def check(self) -> None:
        """Fails for files that cannot be used: at the start this is a mistake, later it may pass."""
        self._server.load_secrets()

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stopping.set()
        self._server.abort()
        self._thread.join(CANCEL_SECONDS + 2)

    def asks_for(self, service: str) -> bool:
        return not self._settings.services or service in self._settings.services

    def current(self) -> Snapshot | None:
        """The newest status, if it is not too old to be shown."""
        snapshot = self._snapshot
        return None if snapshot is None or self._is_stale(snapshot) else snapshot

    def metrics(self) -> list[bytes]:
        newest, current = self._snapshot, self.current()
        failed = self._failed
        own = [
            ("skyserve_up", "gauge", "1 if the newest poll of the API server succeeded.", [("", float(failed == ""))]),
            (
                "skyserve_last_success_timestamp_seconds",
                "gauge",
                "When a poll succeeded last; 0 is never.",
                [("", newest.time if newest else 0.0)],
            ),
            ("skyserve_poll_duration_seconds", "gauge", "How long the newest poll took.", [("", self._duration)]),
            (
                "skyserve_poll_errors_total",
                "counter",
                "Polls that failed, by reason.",
                [(labels(reason=reason), float(count)) for reason, count in self._errors.items()],
            ),
            (
                "skyserve_last_poll_failed",
                "gauge",
                "1 for the reason for which the newest poll failed.",
                [(labels(reason=reason), float(reason == failed)) for reason in REASONS],
            ),
        ]
        version, api_version = self._server.version
        if version or api_version:
            info = labels(version=version, api_version=api_version)
            own.append(("skyserve_api_server_info", "gauge", "The API server's version.", [(info, 1.0)]))
        head = "".join(exposition(*family) for family in own).encode()
        return [head, current.metrics] if current else [head]

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            failure = self._poll()
            failures = failures + 1 if failure else 0
            self._stopping.wait(self._pause(failures, failure))

    def _pause(self, failures: int, failure: Failure | None) -> float:
        interval = self._settings.interval
        longest = MAX_BACKOFF * interval
        pause = min(interval * 2.0 ** min(max(failures - 1, 0), 10), longest)
        return max(pause, min(failure.retry_after, longest)) if failure else pause

    def _poll(self) -> Failure | None:
        start = time.monotonic()
        failure = None
        try:
            self._take(self._server.status())
        except Failure as error:
            failure = error
        except Exception as error:  # The thread must live on; the message may quote what we were told.
            failure = Failure("internal", type(error).__name__)
        self._duration = time.monotonic() - start
        if not self._stopping.is_set():
            self._note(failure)
        return failure

    def _take(self, answer: list[Service]) -> None:
        services = {name: Service(name) for name in self._settings.services}
        services.update((service.name, service) for service in answer)
        # After a time without news nobody knows what happened in it: nothing is counted.
        count = self.current() is not None
        before, self._ledgers = self._ledgers, {}
        for name, service in services.items():
            ledger = self._ledgers[name] = before.get(name) or Ledger(service.hash)
            ledger.follow(service, count)
        text = service_metrics(services, self._ledgers)
        self._snapshot = Snapshot(services, text, time.time(), time.monotonic())

    def _note(self, failure: Failure | None) -> None:
        """Remembers how a poll went, and says so if it is not how the one before went."""
        reason = failure.reason if failure else ""
        if failure:
            self._errors[reason] += 1
        if reason != self._failed:
            self._failed = reason
            log(self._report(failure))

    def _report(self, failure: Failure | None) -> str:
        if failure:
            return f"cannot get the status: {failure.reason}: {failure.detail}. help: {REASONS[failure.reason]}"
        services = self._snapshot.services if self._snapshot else {}
        count = sum(len(service.replicas) for service in services.values())
        return f"the API server answers; services: {len(services)}, replicas: {count}"

    def _is_stale(self, snapshot: Snapshot) -> bool:
        return time.monotonic() - snapshot.monotonic > self._settings.stale_after


# --- The pages -------------------------------------------------------------------------------------------------------


class Page(NamedTuple):
    status: int
    content_type: str
    body: list[bytes]


def text_page(status: int, text: str) -> Page:
    return Page(status, "text/plain; charset=utf-8", [f"{text}\n".encode()])


def page(poller: Poller, url: str) -> Page:
    path, _, query = url.partition("?")
    if path == "/metrics":
        return Page(200, "text/plain; version=0.0.4; charset=utf-8", poller.metrics())
    if path == "/sd":
        return discovery_page(poller, query)
    if path == "/healthz":
        return text_page(200, "ok") if poller.is_alive() else text_page(503, "the poller has ended")
    if path == "/":
        return text_page(200, "skyserve_exporter: /metrics /sd /healthz")
    return text_page(404, "known are /metrics, /sd and /healthz")


def discovery_page(poller: Poller, text: str) -> Page:
    try:
        query = Query.of(text)
    except BadQuery as error:
        return text_page(400, str(error))
    if query.service and not poller.asks_for(query.service):
        return text_page(404, "SKYSERVE_SERVICES does not name this service")
    snapshot = poller.current()
    if snapshot is None:
        # An empty list would take all targets away.
        return text_page(503, "the status is not known")
    return Page(200, "application/json", [json.dumps(targets(snapshot.services, query)).encode()])


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    server_version = "skyserve_exporter"
    sys_version = ""
    # For the request; an answer may take as long as the connection.
    timeout = 5

    def do_GET(self) -> None:
        self.connection.settimeout(CLIENT_SECONDS)
        answer = page(self.server.poller, self.path)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(sum(map(len, answer.body))))
        self.end_headers()
        if self.command != "HEAD":
            for part in answer.body:
                self.wfile.write(part)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], poller: Poller) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self.poller = poller
        self._slots = threading.BoundedSemaphore(CLIENTS)
        super().__init__(listen, Handler)

    def server_bind(self) -> None:
        # The base class also looks up our name, for which a container may wait long.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Each client's time is limited, so a place becomes free.
        self._slots.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            with cut_after(request, CLIENT_SECONDS):
                super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            log(f"cannot answer a request: {type(error).__name__}")


def main() -> int:
    # Before the first thread, so that every one leaves them to `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        settings = Settings.of(os.environ)
        poller = Poller(settings)
        poller.check()
    except BadEnvironment as error:
        log(f"error: {error}")
        return 2
    except Failure as failure:
        log(f"error: {failure.detail}")
        return 2
    try:
        server = Server(settings.listen, poller)
    except OSError as error:
        log(f"error: cannot listen on LISTEN_ADDRESS {settings.listen[0]}:{settings.listen[1]}: {error.strerror}")
        return 2
    host, port = server.server_address[:2]
    names = ", ".join(settings.services) or "all services"
    log(f"listening on {host!s}:{port}, asking {settings.url()} every {settings.interval:g}s for {names}")
    warn_of_open_token(settings)
    poller.start()
    threading.Thread(target=server.serve_forever, name="pages", daemon=True).start()
    signal.sigwait(ENDS)
    log("ending")
    poller.stop()
    return 0


def warn_of_open_token(settings: Settings) -> None:
    local = settings.host == "localhost" or settings.host == "::1" or settings.host.startswith("127.")
    if not settings.tls and not local and (settings.token_file or settings.basic_auth_file):
        log("warning: the endpoint is http://, so the token or password travels in clear")


if __name__ == "__main__":
    sys.exit(main())
