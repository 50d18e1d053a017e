"""A model server over real HTTP that obeys the OpenAI-compatible API as far as the service uses it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.unit.advice.writers import sampled


class ModelStub:
    """What the server answers, and what it was asked."""

    def __init__(self) -> None:
        self.base_url = ""
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        self.finish_reason = "stop"
        self.delay_seconds = 0.0
        self.drops = 0
        self.content: str | None = None
        self._random = random.Random(5)

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a completion that the body's grammar allows, or the fixed content."""
        content = self.content
        if content is None:
            content = sampled(body["structured_outputs"]["grammar"], self._random)
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


@contextmanager
def model_stub() -> Iterator[ModelStub]:
    """Serve on a free port during the block."""
    stub = ModelStub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    stub.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(stub: ModelStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(200, {"object": "list", "data": [{"id": "small-model", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.bodies.append(body)
            time.sleep(stub.delay_seconds)
            if stub.drops > 0:
                stub.drops -= 1
                self.connection.close()
                return
            answer = stub.completion(body) if stub.status == 200 else {"error": {"message": "no", "type": "x"}}
            self._reply(stub.status, answer)

        def _reply(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler
