"""The same server as `flask_server`, on FastAPI."""

import asyncio
import os

import skymon_metrics
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from skymon_metrics import AsgiMetrics

app = FastAPI()
models = APIRouter()


@models.post("/completions")
async def completions(ms: float = 0):
    await asyncio.sleep(ms / 1000)
    skymon_metrics.tokens(7)
    return {"text": "a"}


@models.get("/items/{name}")
def item(name: str):
    return {"name": name}


@models.get("/stream")
async def stream(ms: float):
    async def chunks():
        for _ in range(3):
            await asyncio.sleep(ms / 1000)
            yield "data: token\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


@models.get("/breaks")
async def breaks():
    async def chunks():
        yield "data: token\n\n"
        raise RuntimeError("on purpose")

    return StreamingResponse(chunks(), media_type="text/event-stream")


@models.get("/endless")
async def endless():
    async def chunks():
        while True:
            yield "data: token\n\n" * 100
            await asyncio.sleep(0.02)

    return StreamingResponse(chunks(), media_type="text/event-stream")


@models.get("/broken")
async def broken():
    raise RuntimeError("on purpose")


@models.get("/busy")
async def busy():
    return JSONResponse({"error": "busy"}, status_code=503)


@models.post("/load")
async def load(loaded: int):
    skymon_metrics.model_loaded(bool(loaded))
    return {}


@models.get("/die")
async def die():
    os._exit(1)


@app.get("/health")
async def health():
    return "ok"


app.include_router(models, prefix="/v1")
skymon_metrics.model_loaded(True)
app.add_middleware(AsgiMetrics)
