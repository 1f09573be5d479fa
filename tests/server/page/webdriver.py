"""A real browser for the tests: as much of the WebDriver protocol as they need, over http.client.

Owns the processes of driver and browser, and ends both.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_START_S = 60.0  # a browser that starts on a busy machine
_ASK_S = 60.0
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# As root, and without whatever a browser does for its own sake.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--window-size=1360,860",
)


class BrowserError(Exception):
    """What the driver answered instead of doing what it was asked."""


def missing() -> str | None:
    """What is not installed here of browser and driver; None where both are."""
    if not any(map(shutil.which, _NAMES)):
        return "no chromium here: .ci/browser installs it"
    return None if shutil.which("chromedriver") else "no chromedriver here: .ci/browser installs it"


class Browser:
    """One browser with one tab. A context."""

    def __init__(self) -> None:
        self._home = tempfile.mkdtemp(prefix="argus-browser-")
        self._port = _free_port()
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={self._port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._session = self._begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, and all processes of it whatever state they are in."""
        try:
            self._ask("DELETE", f"/session/{self._session}")
        except (AttributeError, OSError, BrowserError, http.client.HTTPException):
            pass  # it is ended below
        try:
            os.killpg(self._driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._driver.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._post("url", {"url": url})

    def run(self, script: str, *args: Any) -> Any:
        """The value of the body of an async function that has `args`, run in the page."""
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            "const args = [...arguments].slice(0, -1);"
            f"(async () => {{ {script} }})()"
            ".then((value) => done({ value }), (error) => done({ threw: String(error.stack || error) }));"
        )
        answer = self._post("execute/async", {"script": wrapped, "args": list(args)})
        if "threw" in answer:
            raise BrowserError(answer["threw"])
        return answer.get("value")

    def until(self, condition: str, *args: Any, within_s: float = 20.0) -> Any:
        """The first truthy value of an expression in the page, asked for again and again."""
        script = f"""
            const end = performance.now() + {within_s * 1000};
            for (;;) {{
                const value = await (async () => ({condition}))();
                if (value) return value;
                if (performance.now() > end) return null;
                await new Promise((wake) => setTimeout(wake, 30));
            }}"""
        deadline = time.monotonic() + within_s + _ASK_S
        while time.monotonic() < deadline:
            value = self.run(script, *args)
            assert value, f"not within {within_s} s: {condition}\n{self.text()[:2000]}"
            return value
        raise AssertionError(condition)

    def text(self) -> str:
        """All text that is seen."""
        return str(self.run("return document.body.innerText"))

    def find(self, selector: str) -> str:
        """An element, waited for."""
        self.until("document.querySelector(args[0])", selector)
        return str(self._post("element", {"using": "css selector", "value": selector})[ELEMENT])

    def click(self, selector: str) -> None:
        """Click as a hand does: scrolled to, and not through what covers it."""
        self._post(f"element/{self.find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self._post(f"element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("actions", {"actions": [{"type": "key", "id": "keys", "actions": strokes}]})

    def drag(self, selector: str, from_share: float, to_share: float) -> None:
        """Drag with the mouse over an element, from one share of its width to another."""
        box = self.run(
            "const b = document.querySelector(args[0]); b.scrollIntoView({ block: 'center' });"
            "const r = b.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]",
            selector,
        )
        left, top, width, height = box
        y = int(top + height / 2)
        move = {"type": "pointerMove", "duration": 0, "y": y}
        steps = [
            {**move, "x": int(left + width * from_share)},
            {"type": "pointerDown", "button": 0},
            {**move, "x": int(left + width * (from_share + to_share) / 2)},
            {**move, "x": int(left + width * to_share)},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self._post("actions", {"actions": [{**mouse, "actions": steps}]})

    def double_click(self, selector: str) -> None:
        """Double click in the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        press = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp") * 2]
        move = {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin}
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self._post("actions", {"actions": [{**mouse, "actions": [move, *press]}]})

    def size(self, width: int, height: int) -> None:
        """Make the inside of the window so large, as a device of that size has it."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Be a system that prefers `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def command(self, name: str, **params: Any) -> Any:
        """A command of the browser's own protocol, for what WebDriver has no word for."""
        return self._post("goog/cdp/execute", {"cmd": name, "params": params})

    def back(self) -> None:
        """Press the back button."""
        self._post("back", {})

    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self._ask("GET", f"/session/{self._session}/screenshot")))

    def complaints(self) -> list[str]:
        """What the browser complained of since it was last asked: errors, violated policies."""
        entries = self._post("se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def _begin(self) -> str:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                if self._ask("GET", "/status")["ready"]:
                    break
            except OSError:
                assert self._driver.poll() is None, "chromedriver ended at once"
            assert time.monotonic() < deadline, "chromedriver does not answer"
            time.sleep(0.05)
        options: dict[str, Any] = {"args": [*_FLAGS, f"--user-data-dir={self._home}/profile"]}
        options["binary"] = next(filter(None, map(shutil.which, _NAMES)))
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": int(_ASK_S * 1000)},
        }
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        return str(answer["sessionId"])

    def _post(self, path: str, document: Any) -> Any:
        return self._ask("POST", f"/session/{self._session}/{path}", document)

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * _ASK_S)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise BrowserError(f"{value['error']}: {value['message']}")
        return value


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
