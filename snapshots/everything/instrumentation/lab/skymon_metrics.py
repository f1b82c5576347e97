"""Measures the requests of a Python server, for Prometheus. Written by skymon: change skymon.yaml, not this file.

Needs Python 3.10 and prometheus_client 0.20, or newer. Copy it beside the server, and put it around the application:

    Flask:               from skymon_metrics import WsgiMetrics
                         app.wsgi_app = WsgiMetrics(app.wsgi_app)

    FastAPI, Starlette:  from skymon_metrics import AsgiMetrics
                         app.add_middleware(AsgiMetrics)

    WSGI, ASGI alone:    app = WsgiMetrics(app, endpoint=name_of_route)
                         app = AsgiMetrics(app, endpoint=name_of_route)

It answers METRICS_PATH itself, before the application does. To answer there yourself, such as behind a password, pass
`metrics_path=None` and send what `exposition()` returns. Then say what no middleware can see:

    skymon_metrics.model_loaded(True)   # when the model is ready; False when it no longer is
    skymon_metrics.tokens(17)           # so many tokens were generated

With several worker processes set PROMETHEUS_MULTIPROC_DIR to a folder that is empty whenever the server starts.
"""

from __future__ import annotations

import contextlib
import glob
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

# prometheus_client looks for the folder while it is imported.
_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if _FOLDER:
    os.makedirs(_FOLDER, exist_ok=True)

from prometheus_client import (  # noqa: E402
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import (  # noqa: E402
    MultiProcessCollector,
    mark_process_dead,
)

# Where Prometheus asks, as skymon.yaml says.
METRICS_PATH = "/metrics"

# No requests of users: scrapes and health checks. What lies below one is none either.
UNCOUNTED = frozenset(
    [
        METRICS_PATH,
        "/metrics",
        "/health",
        "/healthz",
        "/healthy",
        "/live",
        "/livez",
        "/ready",
        "/readyz",
        "/readiness",
        "/ping",
        "/-",
    ]
)
# What skymon asks the service from outside, if it is known.
PROBED_PATH = ""

# The endpoint of every request that no route is for: paths that strangers try must not become series.
UNMATCHED = "unmatched"
# More routes than this are no routes.
MOST_ENDPOINTS = 200
# The status of a request whose client went away before the end of the answer.
CLIENT_LEFT = 499

REQUESTS = Counter(
    "inference_requests_total",
    "Requests that were answered, by route and HTTP status (499: the client left).",
    ["endpoint", "status"],
)
DURATION = Histogram(
    "inference_request_duration_seconds",
    "Time from the request to the last byte of its answer.",
    ["endpoint"],
    buckets=[
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1.0,
        2.5,
        5.0,
        7.5,
        10.0,
        15.0,
        20.0,
        30.0,
        45.0,
        60.0,
        90.0,
        120.0,
        180.0,
        300.0,
        600.0,
    ],
)
FIRST_BYTE = Histogram(
    "inference_time_to_first_byte_seconds",
    "Time from the request to the first byte of an answer that is streamed.",
    ["endpoint"],
    buckets=[
        0.01,
        0.025,
        0.05,
        0.1,
        0.15,
        0.25,
        0.5,
        0.75,
        1.0,
        1.5,
        2.0,
        3.0,
        5.0,
        7.5,
        10.0,
        15.0,
        20.0,
        30.0,
        60.0,
        120.0,
    ],
)
TOKENS_GENERATED = Counter("inference_tokens_generated_total", "Tokens that were generated.")
MODEL_LOADED = Gauge(
    "inference_model_loaded",
    "1 where the model is loaded, in each process that serves; else 0.",
    multiprocess_mode="livemin",
)
ACTIVE_REQUESTS = Gauge(
    "inference_active_requests",
    "Requests that are being answered.",
    multiprocess_mode="livesum",
)


def tokens(count: int) -> None:
    """So many tokens were generated."""
    TOKENS_GENERATED.inc(count)


def model_loaded(is_loaded: bool) -> None:
    """Whether this process can answer. Processes that are forked from it begin with the same."""
    _process.is_loaded = is_loaded
    _process.join()
    MODEL_LOADED.set(is_loaded)


def exposition() -> tuple[bytes, str]:
    """What Prometheus reads, of all processes of the server, and its content type."""
    _process.join()
    registry: CollectorRegistry = REGISTRY
    if _FOLDER:
        _forget_dead_processes()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, _FOLDER)
        registry.register(_Memory())
    return generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8"


# ---- Several processes. prometheus_client adds up the numbers of all; what follows is what it leaves to do.


class _Process:
    """The process that this code runs in: a server may fork after it has imported this module."""

    def __init__(self) -> None:
        self.is_loaded = False
        self._serves = False
        self._lock = threading.Lock()
        self._imported_by = self._pid = os.getpid()
        self._endpoints: set[str] = set()
        self._cpu = 0.0
        if _FOLDER:
            # prometheus_client knows these of one process only.
            self._cpu_seconds = Counter(
                "process_cpu_seconds_total", "Processor time of all worker processes.", registry=None
            )
            # A worker that starts anew counts as a restart: requests were lost with the one before. Those that are
            # forked have this time from where they come from: they join one by one, and none of that is a restart.
            self._started = time.time()
            self._start_time = Gauge(
                "process_start_time_seconds",
                "When the newest worker process started.",
                multiprocess_mode="livemax",
                registry=None,
            )
            self._start_time.set(self._started)

    def serve(self) -> None:
        """A request, or the start of the server, has come to this process."""
        self.join()
        self._serves = True

    def join(self) -> None:
        """Tells of this process, if it was forked from the one that imported this module."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._endpoints.clear()
            self._cpu = 0.0
            if _FOLDER:
                # Who only forks the workers serves nothing: that the model is not loaded there says nothing.
                if not self._serves:
                    _forget(self._imported_by)
                self._start_time.set(self._started)
                MODEL_LOADED.set(self.is_loaded)
            self._pid = os.getpid()

    def endpoint(self, name: str | None) -> str:
        """The value of the label. Its series begin with 0, since a rate does not see the first event of a new one."""
        name = name or UNMATCHED
        if name in self._endpoints:
            return name
        with self._lock:
            if len(self._endpoints) >= MOST_ENDPOINTS:
                name = UNMATCHED
            self._endpoints.add(name)
        for status in (200, CLIENT_LEFT, 500):
            REQUESTS.labels(name, status)
        return name

    def count_cpu(self) -> None:
        if _FOLDER:
            with self._lock:
                now = time.process_time()
                self._cpu_seconds.inc(max(0.0, now - self._cpu))
                self._cpu = now


class _Memory:
    """The memory of all processes, where the system tells (Linux)."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        name, about = "process_resident_memory_bytes", "Resident memory of all worker processes."
        pages = sum(_resident_pages(pid) for pid in _processes())
        if pages:
            yield GaugeMetricFamily(name, about, value=float(pages * os.sysconf("SC_PAGE_SIZE")))


def _resident_pages(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1])
    except OSError:
        return 0


def _processes() -> set[int]:
    """Those that have a gauge which lives as long as they do."""
    names = glob.glob(os.path.join(glob.escape(_FOLDER), "gauge_live*_*.db"))
    return {int(os.path.basename(name)[:-3].rsplit("_", 1)[1]) for name in names}


def _forget_dead_processes() -> None:
    """Whatever ended them: no hook of the server is needed for it."""
    if os.name != "posix":
        return
    for pid in _processes():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            _forget(pid)
        except PermissionError:
            pass


def _forget(pid: int) -> None:
    # Another process may be quicker.
    with contextlib.suppress(FileNotFoundError):
        mark_process_dead(pid, _FOLDER)


_process = _Process()


# ---- Requests.


class _Request:
    """One request, from its arrival to the end of its answer, whatever ends it."""

    def __init__(self, endpoint: Callable[[], str | None]) -> None:
        self._find_endpoint = endpoint
        self._endpoint: str | None = None
        self._began = time.perf_counter()
        # What a server makes of an application that says nothing.
        self._status = 500
        self._is_stream = False
        self._has_sent = False
        self.is_over = False
        ACTIVE_REQUESTS.inc()

    def answers(self, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """The head of the answer. One that does not say its length is a stream."""
        # Not before has the application found the route, and not for long after does Flask remember it.
        self._endpoint = self._found_endpoint()
        self._status = status
        lengths = ("content-length", b"content-length")
        self._is_stream = status < 400 and not any(name.lower() in lengths for name, _ in headers)

    def sends(self, chunk: Any) -> None:
        if self._has_sent or not chunk:
            return
        self._has_sent = True
        if self._is_stream:
            elapsed = time.perf_counter() - self._began
            FIRST_BYTE.labels(self._endpoint).observe(elapsed)

    def ends(self, status: int | None = None) -> None:
        """Counts it, once. A status here is how it really ended, whatever its head has said."""
        if self.is_over:
            return
        self.is_over = True
        elapsed = time.perf_counter() - self._began
        ACTIVE_REQUESTS.dec()
        endpoint = self._endpoint or self._found_endpoint()
        REQUESTS.labels(endpoint, status or self._status).inc()
        DURATION.labels(endpoint).observe(elapsed)
        _process.count_cpu()

    def _found_endpoint(self) -> str:
        try:
            name = self._find_endpoint()
        except Exception:  # An answer is worth more than how it is counted.
            name = None
        return _process.endpoint(name)


def _is_counted(method: str, path: str) -> bool:
    """Whether somebody asks for an answer of the model. HEAD and OPTIONS ask about it only."""
    first = "/" + path.lstrip("/").partition("/")[0]
    return method not in ("HEAD", "OPTIONS") and path != PROBED_PATH and {path, first}.isdisjoint(UNCOUNTED)


Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class WsgiMetrics:
    """Around a WSGI application. `endpoint` names the route of a request, where it is not Flask that knows it."""

    def __init__(
        self,
        app: WsgiApp,
        endpoint: Callable[[Environ], str | None] | None = None,
        metrics_path: str | None = METRICS_PATH,
    ) -> None:
        self._app = app
        self._endpoint = endpoint or _flask_rule
        self._metrics_path = metrics_path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _process.serve()
        path = environ.get("PATH_INFO", "")
        if path == self._metrics_path:
            body, content_type = exposition()
            start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
            return [body]
        if not _is_counted(environ.get("REQUEST_METHOD", ""), path):
            return self._app(environ, start_response)
        request = _Request(lambda: self._endpoint(environ))

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            request.answers(int(status[:3]), headers)
            write = start_response(status, headers, *exc_info)

            def measured_write(chunk: bytes) -> object:
                request.sends(chunk)
                return write(chunk)

            return measured_write

        try:
            return _WsgiBody(self._app(environ, start), request)
        except BaseException:
            request.ends(500)
            raise


class _WsgiBody:
    """The body of an answer. The server asks for the next chunk when it has sent the one before."""

    def __init__(self, body: Iterable[bytes], request: _Request) -> None:
        self._body = body
        self._chunks = iter(body)
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._request.ends()
            raise
        except BaseException:
            self._request.ends(500)
            raise
        self._request.sends(chunk)
        return chunk

    def close(self) -> None:
        """Called in any case; before the end of the body, because nobody listens any more."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.ends(CLIENT_LEFT)


def _flask_rule(environ: Environ) -> str | None:
    request = environ.get("werkzeug.request")
    return getattr(getattr(request, "url_rule", None), "rule", None)


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiMetrics:
    """Around an ASGI application. `endpoint` names the route of a request, where it is not FastAPI or Starlette that
    knows it. WebSockets pass through and are not counted."""

    def __init__(
        self,
        app: AsgiApp,
        endpoint: Callable[[Scope], str | None] | None = None,
        metrics_path: str | None = METRICS_PATH,
    ) -> None:
        self._app = app
        self._endpoint = endpoint or _starlette_path
        self._metrics_path = metrics_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _process.serve()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == self._metrics_path:
            body, content_type = exposition()
            headers = [
                (b"content-type", content_type.encode()),
                (b"content-length", str(len(body)).encode()),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        elif not _is_counted(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._measure(scope, receive, send)

    async def _measure(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(lambda: self._endpoint(scope))
        has_left = False

        async def measured_receive() -> Message:
            nonlocal has_left
            message = await receive()
            has_left = has_left or (message["type"] == "http.disconnect" and not request.is_over)
            return message

        async def measured_send(message: Message) -> None:
            nonlocal has_left
            if message["type"] == "http.response.start":
                request.answers(message["status"], message.get("headers", ()))
            try:
                await send(message)
            except OSError:
                has_left = True
                raise
            if message["type"] == "http.response.body":
                request.sends(message.get("body"))
                if not message.get("more_body"):
                    request.ends(CLIENT_LEFT if has_left else None)
            elif message["type"] == "http.response.pathsend":
                request.sends(message["path"])
                request.ends()

        try:
            await self._app(scope, measured_receive, measured_send)
        finally:
            # Of a whole answer the end is counted already.
            request.ends(CLIENT_LEFT if has_left else 500)


def _starlette_path(scope: Scope) -> str | None:
    # Of a router that is included, newer versions of FastAPI have the whole path here, and in `route` one without prefix.
    included = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(included, "path", None) or getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None
