"""Wait for the model before text is written, and know when waiting is of no use."""

from __future__ import annotations

import asyncio
import time

from services.cli.deploy import Deployment
from services.cli.inspect_services import get_model
from services.cli.model_server import MODEL, ModelProgress, last_event, model_progress
from services.cli.terminal import Update

_POLL_SECONDS = 2.0
# A server that was not started here either answers or is down.
_FOREIGN_SECONDS = 10.0


async def is_model_up(deployment: Deployment) -> bool:
    """Tell whether the model answers; where the advice service cannot be asked, it is taken to be as it will be."""
    if "advice" not in deployment.addresses:
        return True
    return (await get_model(deployment.addresses["advice"])).available


async def await_model(deployment: Deployment, update: Update) -> str:
    """Return "" when the model answers, or why there will be none: text then comes from templates, marked."""
    started = time.monotonic()
    while not await is_model_up(deployment):
        now = _progress(deployment)
        seconds = time.monotonic() - started
        if now.event == "error":
            return now.detail
        if deployment.model_output is None and seconds > _FOREIGN_SECONDS:
            return f"no answer at {deployment.addresses.get(MODEL, 'its address')}"
        update(f"waiting for the model, {seconds:.0f} s: {now.detail or 'starting'}")
        await asyncio.sleep(_POLL_SECONDS)
    return ""


def _progress(deployment: Deployment) -> ModelProgress:
    if deployment.stack is not None and MODEL in deployment.stack.children:
        return model_progress(deployment.stack.children[MODEL])
    return last_event(deployment.model_output) if deployment.model_output else ModelProgress()
