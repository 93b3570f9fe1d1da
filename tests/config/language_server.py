"""A client of a language server, as an editor is one: what it completes and complains of in a file."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class LanguageServer:
    """A language server that reads and writes messages on its standard streams (LSP 3.17)."""

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.root = root
        self.requests = 0
        folder = {"uri": root.as_uri(), "name": root.name}
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "workspaceFolders": [folder],
                "capabilities": {},
            },
        )
        self.send({"method": "initialized", "params": {}})

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def completed(self, text: str) -> list[str]:
        """What is offered at the ``|`` of a text, in the order in which it is shown."""
        before, _, after = text.partition("|")
        self.requests += 1
        path = self.root / f"benchmarks{self.requests}.toml"
        path.write_text(before + after)
        document = {"uri": path.as_uri()}
        item = document | {"languageId": "toml", "version": 1, "text": before + after}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": item}})
        position = {
            "line": before.count("\n"),
            "character": len(before.rpartition("\n")[2]),
        }
        asked = {"textDocument": document, "position": position}
        for _ in range(200):  # it reads the schema a moment after the file has been opened
            found = self.request("textDocument/completion", asked)
            if items := found["items"] if isinstance(found, dict) else found:
                return [item["label"] for item in items]
            time.sleep(0.05)
        return []

    def send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """Send a request and return its result; requests of the server are answered meanwhile."""
        self.requests += 1
        number = self.requests
        self.send({"id": number, "method": method, "params": params})
        while True:
            message = self.read()
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == number:
                return message["result"]

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        content: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return content
