"""Our HTTP routes, beside those of the page: plain JSON for programs and for whoever watches over the service.

    demo.launch(app_kwargs={"routes": weights.http.api(serving).routes})

GET /health     the weights that answer, and why newer ones do not, if so
"""

from __future__ import annotations

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field

from weights.serving import Serving


class ServedWeights(BaseModel):
    """The weights that answer at this moment."""

    source: str = Field(description='"bundled", or the repository on the Hub')
    revision: str | None = Field(description="the commit; null for the bundled weights")
    sha256: str = Field(description="checksum of model.safetensors")
    since: str = Field(description="when they began to answer, ISO 8601")
    wanted: str | None = Field(description="repository@revision that is followed; null when none is")
    checked: str | None = Field(description="when the Hub was last asked, ISO 8601")
    error: str | None = Field(description="why the newest weights are not served; null when they are")


class Health(BaseModel):
    status: Literal["ok"] = Field(description="always ok when there is an answer: some weights are served")
    weights: ServedWeights


def api(serving: Serving) -> FastAPI:
    """The routes; `serving` answers for the weights."""
    app = FastAPI(title="Handwritten digits", docs_url=None, redoc_url=None)  # these pages call outside hosts

    @app.get("/health")
    def health() -> Health:
        """Whether the app answers, and with which weights."""
        return Health.model_validate(serving.health())

    return app
