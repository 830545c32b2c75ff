"""A headless Chromium, driven over the pipe of its DevTools protocol: no port, no driver."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)
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
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The browser reads commands from descriptor 3 and writes answers to 4.
_WRAPPER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE_S = 60.0


def find_chromium() -> str:
    """The program of `$CHROMIUM`, or one of the `PATH`; skips the test where there is none."""
    given = os.environ.get("CHROMIUM")
    if given:
        found = shutil.which(given)
        if found is None:
            pytest.skip(f"no Chromium: CHROMIUM={given} is no program")
        return found
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(f"no Chromium: set CHROMIUM, or install one of {', '.join(NAMES)}")


class Browser:
    """One browser with one page.

    Args:
        program: Path of Chromium.
        profile: A new empty folder.
    """

    def __init__(self, program: str, profile: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._session: str | None = None
        self._rest = b""
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # Above 4, so that the wrapper does not overwrite one with the other.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, answers)]
        words = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with (profile.parent / f"{profile.name}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WRAPPER, *map(str, high), *words],
                pass_fds=high,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for end in (commands, answers, *high):
            os.close(end)

    def __enter__(self) -> Self:
        # An exit is not called where the start fails.
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser, whatever state it is in."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events that arrive meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None and not method.startswith("Target."):
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, method: str) -> dict[str, Any]:
        """The next event of a kind that was not waited for yet."""
        for place, event in enumerate(self.events):
            if event.get("method") == method:
                return self.events.pop(place)
        while True:
            event = self._read()
            if event.get("method") == method:
                return event
            self.events.append(event)

    def open(self, path: Path) -> None:
        """Load a file, and wait until it is there."""
        self.events = [e for e in self.events if e.get("method") != "Page.loadEventFired"]
        failed = self.call("Page.navigate", url=path.resolve().as_uri()).get("errorText")
        assert failed is None, failed
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key, as a user does."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def size(self, width: int, height: int = 900) -> None:
        """The window, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def color_scheme(self, scheme: str) -> None:
        """What the media query sees: `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def media(self, kind: str) -> None:
        """`screen` or `print`."""
        self.call("Emulation.setEmulatedMedia", media=kind)

    def screenshot(self, path: Path) -> None:
        """The whole page, however high, as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self.call(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, of scripts and of the policy so far."""
        self.evaluate("0")
        found = []
        for event in self.events:
            told = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(told["exceptionDetails"]))
            elif event.get("method") == "Runtime.consoleAPICalled":
                found.append(f"console.{told['type']}: {told['args']}")
            elif event.get("method") == "Log.entryAdded":
                found.append(f"{told['entry']['level']}: {told['entry']['text']}")
        return found

    def requests(self) -> list[str]:
        """Every URL that the page has asked for so far, without `data:`."""
        self.evaluate("0")
        urls = [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith("data:")]

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while b"\0" not in self._rest:
            left = deadline - time.monotonic()
            ready = select.select([self._answers], [], [], max(left, 0.0))[0]
            assert ready, f"no answer of Chromium within {_PATIENCE_S:.0f} s"
            data = os.read(self._answers, 1 << 20)
            assert data, f"Chromium has ended with exit code {self._process.wait(10)}"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
