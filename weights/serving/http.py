"""Our HTTP routes, beside those of the page: plain JSON for programs and for monitors of the service.

    app = api(serving, example)      # a FastAPI app; its routes are served on the page's own port

POST /predict         784 pixel values in MNIST's own frame
POST /predict/image   one picture, as the body or in a form
POST /predict/batch   many of either
POST /read            one picture of any number of digits
POST /live            the page's unfinished drawing
POST /heic            a picture that browsers cannot show, as a JPEG for the page
GET  /health          the weights that answer, and why newer ones do not, if so
GET  /docs            all but /live and /heic to be tried out, without help from other hosts

To add a route, write its function in `api`, its limit beside it with `takes`, and its answer in schemas.py.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from preprocessing.decoding import InputError
from preprocessing.picture import to_opaque
from weights.current import Served, Serving
from weights.serving.limits.pictures import Busy, room_for
from weights.serving.limits.sizes import MAX_JSON_BYTES, MAX_PICTURE_BYTES, MAX_PIXELS_BYTES, Refused, takes
from weights.serving.limits.turns import Turns
from weights.serving.page.answer import live_answer
from weights.serving.recognize import decode, examine, opened, pixels_of, read, recognize_all
from weights.serving.request_head import is_form
from weights.serving.schemas import BatchBody, Digits, Health, PixelsBody, Prediction, Predictions, Problem, parse

# The version of these routes, raised with every change that a caller may notice.
VERSION = "1.2.0"
# Pictures that are decoded at the same time: with two, one waits for memory while the other computes. How much they may
# take together is bounded in limits/pictures.py.
PICTURES_AT_ONCE = 2
# Requests that may wait for their turn: a second's worth of drawings.
PICTURES_WAITING = 128
# Unfinished drawings that are read at the same time, in threads of their own; and that may wait. The page asks again at
# the next stroke.
LIVE_AT_ONCE = 2
LIVE_WAITING = 32
# A form needs one file; further fields of a client are ignored up to this number.
MAX_FIELDS = 8
# Side of a drawing that live.js sends: twice what it sends today.
LIVE_SIDE = 400
# Bytes of such a drawing: as a PNG it has 1 to 3 KB.
MAX_LIVE_BYTES = 65_536
# Bodies that hold a picture as JSON, as a data URL or as base64, where its bytes are expected.
TEXT = re.compile(rb"\s*+(\{|data:|[A-Za-z0-9+/]{60})", re.IGNORECASE)
# Longest side of the JPEG that /heic makes: a written sheet is still read well, and 1 MB goes back to the server.
SHOWN_SIDE = 3000

DESCRIPTION = """
Names handwritten digits. Every answer of a route says in its headers which version of these routes (`X-App-Version`)
and which weights (`X-Weights-SHA256`, as in `/health`) gave it.

A picture is sent as a file. `/read` takes it as `/predict/image` does. ADDRESS is the address of this page without
`/docs`.

```bash
curl -F file=@7.png ADDRESS/predict/image
```

```python
import json
from pathlib import Path
from urllib.request import Request, urlopen

request = Request("ADDRESS/predict/image", Path("7.png").read_bytes(), {"Content-Type": "image/png"})
print(json.load(urlopen(request))["digit"])
```

```javascript
// Node.js 20. In a browser the file comes from an <input type="file">.
import { openAsBlob } from "node:fs";

const form = new FormData();
form.append("file", await openAsBlob("7.png"));
const answer = await fetch("ADDRESS/predict/image", { method: "POST", body: form });
console.log((await answer.json()).digit);
```
"""

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "application/octet-stream")


def api(serving: Serving, example: Path) -> FastAPI:
    """The routes.

    Args:
        serving: gives the weights; each request keeps those it began with.
        example: picture of a digit, for the documentation.
    """
    app = FastAPIOffline(
        title="Handwritten digits",
        version=VERSION,
        description=DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
        swagger_ui_parameters={"validatorUrl": None},  # an outside host
        telemetry=dict.fromkeys(("tracing", "metrics", "logs"), False),  # nobody collects it, and it costs every answer
    )
    app.router.route_class = Direct
    pictures = Turns(PICTURES_AT_ONCE, PICTURES_WAITING, "pictures")
    image = example.read_bytes()
    pixels = pixels_of(decode(image).tensor)

    @app.post("/predict", response_model=Prediction, **described(PixelsBody, {"pixels": pixels}))
    @takes(MAX_PIXELS_BYTES)
    async def predict(request: Request) -> Response:
        """Names the digit that 784 pixel values show: MNIST's own frame, row by row, white ink on black.

        `pixels[28 * y + x]` is column x of row y: the first 28 values are the top row from left to right. The values go
        into the network as they are, not centred and not scaled. Columns in place of rows cannot be told from a digit
        and are read wrong; dark ink on white, or values from 0 to 1, are refused. For any other picture there is
        `/predict/image`.
        """
        # On the event loop: a thread of the pool would take longer to wake than the network to answer. The body is
        # parsed here, not by FastAPI, which would read the JSON first and check it then.
        with answering(serving.current) as (served, headers):
            given = parse(PixelsBody, await request.body())
            return reply(Prediction.of(examine(given.pixels, served).answer), headers)

    @app.post("/predict/image", response_model=Prediction, **described_image())
    @takes(MAX_PICTURE_BYTES)
    async def predict_image(request: Request) -> Response:
        """Names the digit in a picture: dark ink on light or light on dark, of any size, anywhere in the picture."""
        with answering(serving.current) as (served, headers):
            async with picture_in(request) as file:
                reading = await pictures.run(examine, file, served)
            return reply(Prediction.of(reading.answer), headers)

    @app.post("/predict/batch", response_model=Predictions, **described(BatchBody, batch_example(pixels, image)))
    @takes(MAX_JSON_BYTES)
    async def predict_batch(request: Request) -> Response:
        """Names many digits, in one forward pass: each given as pixel values or as a picture, answered in order."""
        with answering(serving.current) as (served, headers):
            return reply(await pictures.run(predictions_of, await request.body(), served), headers)

    @app.post("/read", response_model=Digits, **described_image())
    @takes(MAX_PICTURE_BYTES)
    async def read_picture(request: Request) -> Response:
        """Names all digits in a picture, line by line from left to right, each with its place.

        `confidence` is the probability that all of it is right. Digits that touch may be taken for none.
        """
        with answering(serving.current) as (served, headers):
            async with picture_in(request) as file:
                readings = await pictures.run(read, file, served)
            return reply(Digits.of(readings), headers)

    @app.head("/health", include_in_schema=False)  # monitors ask with HEAD
    @app.get("/health", response_model=Health)
    async def health(_: Request) -> Response:
        """Whether the app answers, and with which weights."""
        with answering(serving.current) as (_, headers):
            return reply(Health.model_validate(serving.health()), headers)

    add_routes_of_page(app, serving, pictures)
    return app


def add_routes_of_page(app: FastAPI, serving: Serving, pictures: Turns) -> None:
    """What the page's own scripts ask beside the routes for everybody."""
    drawings = Turns(LIVE_AT_ONCE, LIVE_WAITING, "unfinished drawings")

    @app.post("/live", include_in_schema=False)
    @takes(MAX_LIVE_BYTES)
    async def live(request: Request) -> Response:
        """Answers a stroke that is still being drawn, for the page: live.js sends a small PNG, ink on paper."""
        with answering(serving.current) as (served, headers):
            drawing = opened(await request.body())
            if max(drawing.size) > LIVE_SIDE:
                raise InputError(f"expected a picture of at most {LIVE_SIDE}x{LIVE_SIDE} pixels")
            readings = await drawings.run(read, drawing, served)
            return JSONResponse(live_answer(readings), headers=headers)

    @app.post("/heic", include_in_schema=False)
    @takes(MAX_PICTURE_BYTES)
    async def heic(request: Request) -> Response:
        """A picture as a JPEG, for the page: browsers show no HEIC."""
        with answering(serving.current) as (_, headers):
            async with picture_in(request) as file:
                return Response(await pictures.run(jpeg_of, file), media_type="image/jpeg", headers=headers)


def predictions_of(body: bytes, served: Served) -> Predictions:
    answers = recognize_all(parse(BatchBody, body).inputs, served)
    return Predictions(predictions=[Prediction.of(answer) for answer in answers])


def jpeg_of(file: BinaryIO) -> bytes:
    picture, made = opened(file), io.BytesIO()
    with room_for(picture):
        picture = to_opaque(picture)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    picture.save(made, "JPEG", quality=90)
    return made.getvalue()


class Direct(APIRoute):
    """A route from a request to a response, with nothing in between that FastAPI would inject, parse or validate."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        return self.endpoint


# --- Shared by the routes ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def answering(served: Served) -> Iterator[tuple[Served, dict[str, str]]]:
    """The weights for a request, and the headers of its answer. An InputError is answered with 422 and its
    message, Busy with 429."""
    headers = {"X-App-Version": VERSION, "X-Weights-SHA256": served.provenance.sha256}
    try:
        yield served, headers
    except InputError as error:
        raise HTTPException(422, str(error), headers) from error
    except Busy as error:
        raise Refused(429, str(error)) from error


def reply(content: BaseModel, headers: dict[str, str]) -> Response:
    """JSON without the validation that FastAPI gives to answers: these models were just made."""
    return Response(content.model_dump_json(), media_type="application/json", headers=headers)


@contextlib.asynccontextmanager
async def picture_in(request: Request) -> AsyncIterator[BinaryIO]:
    """The picture that was sent, as the body itself or as the only file of a form.

    Raises:
        ValueError: there is none, or more than one.
    """
    if not is_form(request.headers):
        body = await request.body()
        if not body:
            raise InputError("expected a picture, as the body or as a file in a form; got nothing")
        if TEXT.match(body):
            raise InputError("expected the bytes of an image file, got text; /predict/batch takes pictures as base64")
        yield io.BytesIO(body)
        return
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            files = [value for value in form.values() if isinstance(value, UploadFile)]
            if not files:
                fields = f"{len(form)} {'field' if len(form) == 1 else 'fields'}"
                raise InputError(f"expected a picture as a file in the form, got {fields} and no file")
            yield files[0].file
    except HTTPException as error:
        raise InputError(f"expected a form with one picture: {error.detail}") from error
    except UnicodeError as error:  # Python knows a charset in which nothing can be read: "undefined"
        raise InputError("expected a form with one picture, in UTF-8") from error


# --- Documentation ----------------------------------------------------------------------------------------------------

REFUSED = {
    422: {"model": Problem, "description": "It cannot be used; `detail` says what was expected"},
    413: {"model": Problem, "description": "Too large; `detail` names the limit"},
    429: {"model": Problem, "description": "Too much at once; `Retry-After` says when to come back"},
    408: {"model": Problem, "description": "It took too long to arrive"},
}


def described(model: type[BaseModel], example: dict) -> dict:
    """OpenAPI's entry for a JSON body that a route parses itself."""
    return documented({"application/json": {"schema": model.model_json_schema(), "example": example}})


def described_image() -> dict:
    """OpenAPI's entry for a picture."""
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    return documented({"multipart/form-data": {"schema": form}} | dict.fromkeys(PICTURE_TYPES, binary))


def documented(content: dict) -> dict:
    """The options of a route whose body is one of these kinds."""
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}, "responses": REFUSED}


def batch_example(pixels: list[int], image: bytes) -> dict:
    return {"inputs": [pixels, base64.b64encode(image).decode()]}
