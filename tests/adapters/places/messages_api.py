"""A Messages API on loopback that says what a script says: enough for the real Claude Code."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: from the conversation so far and the names of the tools to the blocks of the next message
Say = Callable[[list[dict[str, Any]], list[str]], list[dict[str, Any]]]


class MessagesApi:
    """Answers requests for messages, streamed as Claude Code wants them."""

    def __init__(self, say: Say) -> None:
        self.conversation: list[dict[str, Any]] = []
        self._say = say
        self._count = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                api.answer(self, json.loads(self.rfile.read(length) or b"{}"))

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """One request, whichever it is."""
        if "count_tokens" in request.path:
            _plain(request, {"input_tokens": 10})
            return
        self._count += 1
        if not body.get("tools"):
            blocks: list[dict[str, Any]] = [{"type": "text", "text": "A refund"}]
        else:
            self.conversation = body["messages"]
            blocks = self._say(body["messages"], [each["name"] for each in body["tools"]])
        message: dict[str, Any] = {
            "id": f"msg_{self._count}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 1},
        }
        has_calls = any(each["type"] == "tool_use" for each in blocks)
        stop = "tool_use" if has_calls else "end_turn"
        if body.get("stream"):
            _stream(request, message, blocks, stop)
        else:
            _plain(request, {**message, "content": blocks, "stop_reason": stop})

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def _plain(request: BaseHTTPRequestHandler, value: Any) -> None:
    body = json.dumps(value).encode()
    request.send_response(200)
    request.send_header("content-type", "application/json")
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _stream(
    request: BaseHTTPRequestHandler,
    message: dict[str, Any],
    blocks: list[dict[str, Any]],
    stop: str,
) -> None:
    request.send_response(200)
    request.send_header("content-type", "text/event-stream")
    request.end_headers()

    def send(kind: str, **event: Any) -> None:
        text = json.dumps({"type": kind, **event})
        request.wfile.write(f"event: {kind}\ndata: {text}\n\n".encode())
        request.wfile.flush()

    send("message_start", message=message)
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty: dict[str, Any] = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        send("content_block_start", index=index, content_block=empty)
        send("content_block_delta", index=index, delta=delta)
        send("content_block_stop", index=index)
    ended = {"stop_reason": stop, "stop_sequence": None}
    send("message_delta", delta=ended, usage={"output_tokens": 5})
    send("message_stop")


def heard(conversation: list[dict[str, Any]]) -> list[str]:
    """What tools, hooks and people told the model."""
    found = []
    for message in conversation:
        if message["role"] != "user":
            continue
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            inner = block.get("content") if block["type"] == "tool_result" else block.get("text")
            parts = inner if isinstance(inner, list) else [{"text": str(inner)}]
            found += [str(part.get("text", "")) for part in parts]
    return found


def told_to_repeat(conversation: list[dict[str, Any]]) -> list[str]:
    """Tools that the last words to the model say are to be called again."""
    found: list[str] = []
    for message in reversed(conversation):
        text = json.dumps(message["content"])
        if message["role"] == "user" and "Now call" in text:
            found = re.findall(r"Now call (\S+) again", text)
            break
        if message["role"] == "user" and "tool_result" not in text:
            break
    return found
