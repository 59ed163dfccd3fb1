"""Our HTTP routes, beside those of the page: plain JSON for programs and for whoever watches over the service.

    demo.launch(app_kwargs={"routes": weights.http.api(serving, recognizer, example).routes})

POST /predict         784 pixel values in MNIST's own frame
POST /predict/image   one picture, as the body or in a form
POST /predict/batch   many of either
POST /read            one picture of any number of digits
GET  /health          the weights that answer, and why newer ones do not, if so
GET  /docs            all this to be tried out, without help from other hosts
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from nn.mlp import MLP
from weights.current import Served, Serving
from weights.serving.answers import answers
from weights.serving.limits.sizes import JSON, MAX_PIXELS_BYTES, PICTURE, Limit, takes
from weights.serving.recognize import BadInput, Recognizer, pixels_of, tensor_of
from weights.serving.schemas import (
    BadBody,
    BatchBody,
    Digits,
    Health,
    PixelsBody,
    Prediction,
    Predictions,
    Problem,
    parse,
)

# Of these routes; raised with every change that a caller may notice.
VERSION = "1.0.0"

# Pictures that are decoded at the same time: with two, one waits for memory while the other computes, and the largest
# that are let in take 150 MB each while they are decoded.
PICTURES_AT_ONCE = 2
# A form needs one file; what else a client puts into it is ignored up to here.
MAX_FIELDS = 8

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "application/octet-stream")


def api(serving: Serving, recognizer: Recognizer, example: Path) -> FastAPI:
    """The routes.

    Args:
        serving: gives the weights; each request keeps those it began with.
        recognizer: the steps from what is given to the network.
        example: picture of a digit, for the documentation.
    """
    app = FastAPIOffline(
        title="Handwritten digits",
        version=VERSION,
        description="Names handwritten digits. Every answer says in its headers which version of these routes "
        "(`X-App-Version`) and which weights (`X-Weights-SHA256`, as in `/health`) gave it.",
        docs_url="/docs",
        redoc_url=None,
        swagger_ui_parameters={"validatorUrl": None},  # an outside host
    )
    app.router.route_class = Direct
    limiter = anyio.CapacityLimiter(PICTURES_AT_ONCE)
    image = example.read_bytes()
    pixels = pixels_of(recognizer.tensors([image])[0])

    @app.post("/predict", response_model=Prediction, **described(PixelsBody, {"pixels": pixels}))
    @takes(Limit(MAX_PIXELS_BYTES))
    async def predict(request: Request) -> Response:
        """Names the digit that 784 pixel values show: MNIST's own frame, row by row, white ink on black.

        They go into the network as they are, not centred and not scaled; for any other picture there is
        `/predict/image`.
        """
        # On the event loop: a thread of the pool would take longer to wake than the network to answer. The body is
        # parsed here, not by FastAPI, which would read the JSON first and check it then.
        with answering(serving.current) as (model, headers):
            given = parse(PixelsBody, await request.body())
            prediction = Prediction.of(answers(model, tensor_of(given.pixels)[None])[0])
            return reply(prediction, headers)

    @app.post("/predict/image", response_model=Prediction, **described_image())
    @takes(PICTURE)
    async def predict_image(request: Request) -> Response:
        """Names the digit in a picture: dark ink on light or light on dark, of any size, anywhere in the picture."""
        with answering(serving.current) as (model, headers):
            async with picture_in(request) as file:
                tensors = await run(lambda: recognizer.tensors([file]))
            return reply(Prediction.of(answers(model, tensors)[0]), headers)

    @app.post("/read", response_model=Digits, **described_image())
    @takes(PICTURE)
    async def read(request: Request) -> Response:
        """Names all digits in a picture, line by line from left to right, each with its place.

        `confidence` is the probability that all of it is right. Digits that touch may be taken for none.
        """
        with answering(serving.current) as (model, headers):
            async with picture_in(request) as file:
                found = await run(lambda: recognizer.digits(file, model))
            return reply(Digits.of(found), headers)

    @app.post("/predict/batch", response_model=Predictions, **described(BatchBody, batch_example(pixels, image)))
    @takes(JSON)
    async def predict_batch(request: Request) -> Response:
        """Names many digits, in one forward pass: each given as pixel values or as a picture, answered in order."""
        body = await request.body()

        def predictions() -> Predictions:
            try:
                tensors = recognizer.tensors(parse(BatchBody, body).inputs)
            except BadInput as error:
                raise BadBody(error.placed) from error
            return Predictions(predictions=[Prediction.of(answer) for answer in answers(model, tensors)])

        with answering(serving.current) as (model, headers):
            return reply(await run(predictions), headers)

    @app.head("/health", include_in_schema=False)  # as those ask who only watch
    @app.get("/health", response_model=Health)
    async def health(_: Request) -> Response:
        """Whether the app answers, and with which weights."""
        with answering(serving.current) as (_, headers):
            return reply(Health.model_validate(serving.health()), headers)

    async def run(task: Callable[[], Any]) -> Any:
        """What needs a picture decoded does not hold up the event loop."""
        return await anyio.to_thread.run_sync(task, limiter=limiter)

    return app


class Direct(APIRoute):
    """A route from a request to a response, with nothing in between that FastAPI would inject, parse or validate."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        return self.endpoint


# --- What the routes share --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def answering(served: Served) -> Iterator[tuple[MLP, dict[str, str]]]:
    """The network for a request, and the headers of its answer; a ValueError is answered with 422 and its message."""
    headers = {"X-App-Version": VERSION, "X-Weights-SHA256": served.provenance.sha256}
    try:
        yield served.model, headers
    except ValueError as error:
        raise HTTPException(422, str(error), headers) from error


def reply(content: BaseModel, headers: dict[str, str]) -> Response:
    """JSON without the validation that FastAPI gives to answers: these models were just made."""
    return Response(content.model_dump_json(), media_type="application/json", headers=headers)


@contextlib.asynccontextmanager
async def picture_in(request: Request) -> AsyncIterator[BinaryIO]:
    """The picture that was sent, as the body itself or as the only file of a form.

    Raises:
        ValueError: there is none, or more than one.
    """
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        body = await request.body()
        if not body:
            raise ValueError("expected a picture, as the body or as a file in a form; got nothing")
        yield io.BytesIO(body)
        return
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            files = [value for value in form.values() if isinstance(value, UploadFile)]
            if not files:
                raise ValueError(f"expected a picture in the form, got {len(form)} fields and no file")
            yield files[0].file
    except HTTPException as error:
        raise ValueError(f"expected a form with one picture: {error.detail}") from error


# --- Documentation ----------------------------------------------------------------------------------------------------

REFUSED = {
    422: {"model": Problem, "description": "It cannot be used; `detail` says what was expected"},
    413: {"model": Problem, "description": "Too large; `detail` names the limit"},
    429: {"model": Problem, "description": "Too much at once; `Retry-After` says when to come back"},
    408: {"model": Problem, "description": "It took too long to arrive"},
}


def described(model: type[BaseModel], example: dict) -> dict:
    """What OpenAPI says of a JSON body that a route parses itself."""
    content = {"application/json": {"schema": model.model_json_schema(), "example": example}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}, "responses": REFUSED}


def described_image() -> dict:
    """What OpenAPI says of a picture."""
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"multipart/form-data": {"schema": form}} | dict.fromkeys(PICTURE_TYPES, binary)
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}, "responses": REFUSED}


def batch_example(pixels: list[int], image: bytes) -> dict:
    return {"inputs": [pixels, base64.b64encode(image).decode()]}
