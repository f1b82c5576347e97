"""A model server on Flask, with every way in which an answer can end. The module's two lines are the last."""

import os
import time

import skymon_metrics
from flask import Blueprint, Flask, request
from skymon_metrics import WsgiMetrics

app = Flask(__name__)
models = Blueprint("models", __name__, url_prefix="/v1")


def pause() -> None:
    time.sleep(float(request.args.get("ms", "0")) / 1000)


@models.post("/completions")
def completions():
    pause()
    skymon_metrics.tokens(7)
    return {"text": "a"}


@models.get("/items/<name>")
def item(name):
    return {"name": name}


@models.get("/stream")
def stream():
    seconds = float(request.args["ms"]) / 1000

    def chunks():
        for _ in range(3):
            time.sleep(seconds)
            yield "data: token\n\n"

    return app.response_class(chunks(), mimetype="text/event-stream")


@models.get("/breaks")
def breaks():
    def chunks():
        yield "data: token\n\n"
        raise RuntimeError("on purpose")

    return app.response_class(chunks(), mimetype="text/event-stream")


@models.get("/endless")
def endless():
    def chunks():
        while True:
            yield "data: token\n\n" * 100
            time.sleep(0.02)

    return app.response_class(chunks(), mimetype="text/event-stream")


@models.get("/broken")
def broken():
    raise RuntimeError("on purpose")


@models.get("/busy")
def busy():
    return {"error": "busy"}, 503


@models.post("/load")
def load():
    skymon_metrics.model_loaded(request.args["loaded"] == "1")
    return {}


@models.get("/die")
def die():
    os._exit(1)


@app.get("/health")
def health():
    return "ok"


app.register_blueprint(models)
skymon_metrics.model_loaded(True)
app.wsgi_app = WsgiMetrics(app.wsgi_app)
