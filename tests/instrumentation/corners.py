"""Ways in which a request can end that no real server produces on demand. Run by tests/instrumentation.rs."""

import asyncio
import unittest
from unittest import mock

import skymon_metrics
from prometheus_client import REGISTRY
from skymon_metrics import AsgiMetrics, WsgiMetrics

DONE = {"type": "http.response.body", "body": b"", "more_body": False}


class Corners(unittest.TestCase):
    def setUp(self):
        # A route for each test, so that none sees what another has counted.
        self.route = "/" + self.id().rpartition(".")[2]

    def named(self, _request):
        return self.route

    def ended(self):
        """How often requests to the route ended, by status; and nothing is still counted as running."""
        self.assertEqual(REGISTRY.get_sample_value("inference_active_requests"), 0)
        found = {
            sample.labels["status"]: sample.value
            for metric in skymon_metrics.REQUESTS.collect()
            for sample in metric.samples
            if sample.name == "inference_requests_total" and sample.labels["endpoint"] == self.route
        }
        return {status: count for status, count in found.items() if count}

    @staticmethod
    def endpoints():
        samples = (sample for metric in skymon_metrics.REQUESTS.collect() for sample in metric.samples)
        return {sample.labels["endpoint"] for sample in samples}

    def first_bytes(self):
        name = "inference_time_to_first_byte_seconds_count"
        return REGISTRY.get_sample_value(name, {"endpoint": self.route})

    # ASGI.

    def asgi(self, app, *, method="POST", kind="http", received=(), fails_to_send=None):
        """Runs the application once; gives the messages that it sent."""
        messages, sent = iter(received), []

        async def receive():
            return next(messages)

        async def send(message):
            if fails_to_send and message["type"] == "http.response.body":
                raise fails_to_send
            sent.append(message)

        scope = {"type": kind, "method": method, "path": self.route}
        asyncio.run(AsgiMetrics(app, endpoint=self.named)(scope, receive, send))
        return sent

    @staticmethod
    async def head(send, length=None, status=200):
        headers = [] if length is None else [(b"Content-Length", str(length).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})

    def test_an_error_after_the_whole_answer_is_not_the_users(self):
        async def app(scope, receive, send):
            await self.head(send)
            await send({"type": "http.response.body", "body": b"all"})
            raise RuntimeError("in the background")

        with self.assertRaises(RuntimeError):
            self.asgi(app)
        self.assertEqual(self.ended(), {"200": 1})

    def test_an_application_that_never_answers_has_failed(self):
        async def app(scope, receive, send):
            pass

        self.asgi(app)
        self.assertEqual(self.ended(), {"500": 1})

    def test_a_request_that_the_server_cancels_has_failed(self):
        async def app(scope, receive, send):
            raise asyncio.CancelledError

        with self.assertRaises(asyncio.CancelledError):
            self.asgi(app)
        self.assertEqual(self.ended(), {"500": 1})

    def test_whoever_sees_the_client_go_and_stops_has_not_failed(self):
        async def app(scope, receive, send):
            await self.head(send)
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            await receive()
            await send(DONE)

        self.asgi(app, received=[{"type": "http.disconnect"}])
        self.assertEqual(self.ended(), {"499": 1})

    def test_a_client_that_goes_after_the_answer_has_its_answer(self):
        async def app(scope, receive, send):
            await self.head(send, 0)
            await send(DONE)
            await receive()

        self.asgi(app, received=[{"type": "http.disconnect"}])
        self.assertEqual(self.ended(), {"200": 1})

    def test_a_server_that_cannot_send_says_that_the_client_left(self):
        async def app(scope, receive, send):
            await self.head(send)
            await send(DONE)

        with self.assertRaises(BrokenPipeError):
            self.asgi(app, fails_to_send=BrokenPipeError())
        self.assertEqual(self.ended(), {"499": 1})

    def test_a_file_that_the_server_sends_itself_is_an_answer(self):
        async def app(scope, receive, send):
            await self.head(send, 3)
            await send({"type": "http.response.pathsend", "path": "/a"})

        self.asgi(app)
        self.assertEqual((self.ended(), self.first_bytes()), ({"200": 1}, None))

    def test_the_first_byte_is_that_of_a_chunk_that_is_not_empty_and_of_a_stream(self):
        async def stream(scope, receive, send):
            await self.head(send)
            for body in (b"", b"a", b"b"):
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send(DONE)

        async def whole(scope, receive, send):
            await self.head(send, 1)
            await send({"type": "http.response.body", "body": b"a"})

        async def refusal(scope, receive, send):
            await self.head(send, status=503)
            await send({"type": "http.response.body", "body": b"a"})

        self.asgi(stream)
        self.asgi(whole)
        self.asgi(refusal)
        self.assertEqual((self.ended(), self.first_bytes()), ({"200": 2, "503": 1}, 1))

    def test_websockets_and_the_servers_own_messages_pass_through(self):
        async def app(scope, receive, send):
            await send({"type": scope["type"]})

        for kind in ("websocket", "lifespan"):
            self.assertEqual(self.asgi(app, kind=kind), [{"type": kind}])
        self.assertEqual(self.ended(), {})

    def test_head_and_options_are_answered_and_not_counted(self):
        async def app(scope, receive, send):
            await self.head(send, 0)
            await send(DONE)

        for method in ("HEAD", "OPTIONS"):
            self.assertEqual(len(self.asgi(app, method=method)), 2)
        self.assertEqual(self.ended(), {})

    # WSGI.

    def wsgi(self, app, path=None, **options):
        """The body of an answer, as a server gets it, and the status lines that it was told."""
        told = []

        def start_response(status, headers, exc_info=None):
            told.append(status)
            return lambda chunk: told.append(chunk)

        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path or self.route}
        return WsgiMetrics(app, endpoint=self.named, **options)(environ, start_response), told

    def test_a_list_is_a_body_and_closing_it_twice_counts_once(self):
        def app(environ, start_response):
            start_response("201 Created", [("Content-length", "2")])
            return [b"a", b"b"]

        body, told = self.wsgi(app)
        self.assertEqual((list(body), told), ([b"a", b"b"], ["201 Created"]))
        body.close()
        body.close()
        self.assertEqual((self.ended(), self.first_bytes()), ({"201": 1}, None))

    def test_a_body_that_is_closed_before_its_end_was_not_wanted_any_more(self):
        closed = []

        def app(environ, start_response):
            start_response("200 OK", [])
            try:
                yield b"a"
                yield b"b"
            finally:
                closed.append(True)

        body, _ = self.wsgi(app)
        self.assertEqual(next(body), b"a")
        body.close()
        self.assertEqual((self.ended(), self.first_bytes(), closed), ({"499": 1}, 1, [True]))

    def test_an_error_before_and_one_after_the_head_are_errors(self):
        def before(environ, start_response):
            raise RuntimeError

        def after(environ, start_response):
            start_response("200 OK", [])
            raise RuntimeError
            yield

        with self.assertRaises(RuntimeError):
            self.wsgi(before)
        with self.assertRaises(RuntimeError):
            list(self.wsgi(after)[0])
        self.assertEqual(self.ended(), {"500": 2})

    def test_a_head_that_is_taken_back_counts_as_the_one_that_is_sent(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            start_response("503 Busy", [], (RuntimeError, RuntimeError(), None))
            return []

        body, _ = self.wsgi(app)
        list(body)
        self.assertEqual(self.ended(), {"503": 1})

    def test_what_is_written_past_the_body_is_sent_and_timed(self):
        def app(environ, start_response):
            start_response("200 OK", [])(b"a")
            return []

        body, told = self.wsgi(app)
        list(body)
        self.assertEqual((told, self.ended(), self.first_bytes()), (["200 OK", b"a"], {"200": 1}, 1))

    def test_only_users_are_counted(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            return [b"a"]

        for path in ("/health", "/healthz/", "/health/live", "/-/ready", "/metrics/x", "/ping"):
            body, told = self.wsgi(app, path)
            self.assertEqual((list(body), told), ([b"a"], ["200 OK"]), path)
        self.assertEqual(self.ended(), {})
        list(self.wsgi(app, "/healthy-food")[0])
        self.assertEqual(self.ended(), {"200": 1})

    def test_the_application_may_answer_scrapes_itself(self):
        def app(environ, start_response):
            body, content_type = skymon_metrics.exposition()
            start_response("200 OK", [("Content-Type", content_type)])
            return [body]

        for options in ({}, {"metrics_path": None}):
            body, told = self.wsgi(app, "/metrics", **options)
            self.assertIn(b"# TYPE inference_requests_total counter", b"".join(body))
            self.assertEqual(told, ["200 OK"])

    def test_names_without_bound_and_names_that_fail_are_no_endpoints(self):
        def app(environ, start_response):
            start_response("200 OK", [])
            return []

        def endpoint(environ):
            return environ["PATH_INFO"] if environ["PATH_INFO"] != "/fails" else 1 / 0

        measured = WsgiMetrics(app, endpoint=endpoint)
        list(measured({"REQUEST_METHOD": "GET", "PATH_INFO": "/fails"}, lambda *_: None))
        before = self.endpoints()
        with mock.patch.object(skymon_metrics, "MOST_ENDPOINTS", len(before) + 10):
            for number in range(1000):
                list(measured({"REQUEST_METHOD": "GET", "PATH_INFO": f"/{number}"}, lambda *_: None))
        self.assertEqual(len(self.endpoints() - before), 10)
        self.assertIn("unmatched", self.endpoints())


if __name__ == "__main__":
    unittest.main()
