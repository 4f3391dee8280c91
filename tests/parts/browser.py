"""A real browser without a window, driven through its DevTools protocol over two pipes: nothing but Chromium is needed."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_SECONDS = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38}
KEYS |= {"ArrowRight": 39, "ArrowDown": 40}

DRAWN = "() => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))"
# The page is drawn before it is measured: what was hidden until now may move what is below.
CENTRE = f"""(async () => {{
  const found = document.querySelector(%s);
  for (let drawn = 0; drawn < 2; drawn += 1) {{
    found.scrollIntoView({{ block: "center", inline: "center" }});
    await ({DRAWN})();
  }}
  const {{ x, y, width, height }} = found.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}})()"""


def program() -> str | None:
    """The browser on this machine; `HEADWATER_BROWSER` names another."""
    named = os.environ.get("HEADWATER_BROWSER")
    return named or next(filter(None, map(shutil.which, PROGRAMS)), None)


class Page:
    """A tab of the browser, and what it told since it was opened.

    Attributes:
        requests: The addresses that were asked for.
        complaints: What was logged as a warning or an error, exceptions and refusals by the content security policy among
            them.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        browser.listeners[session] = self._hear
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> Any:
        """Send a command of the protocol, and wait for its answer."""
        return self._browser.call(method, self._session, **parameters)

    def open(
        self,
        path: Path,
        *,
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        motion: str = "no-preference",
    ) -> None:
        """Open a file, as on a screen of this width and height."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )
        self.loaded = False
        self.call("Page.navigate", url=path.as_uri())
        self._browser.wait_until(lambda: self.loaded)
        self.ask(f"({DRAWN})()")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ValueError(answer["exceptionDetails"]["exception"].get("description", answer))
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, as a hand does."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = KEYS.get(key, ord(key[0].upper()))
            pressed = {"key": key, "windowsVirtualKeyCode": code, "text": text}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **pressed)
            self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def click(self, selector: str) -> None:
        """Click into the middle of the first element that a CSS selector finds, where it is really seen."""
        x, y = self.ask(CENTRE % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """What is seen now, as PNG."""
        return b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "warning", "assert"}:
            self.complaints.append(str(told["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(str(told["entry"]))


class Browser:
    """A running browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self.listeners: dict[str, Callable[[str, dict[str, Any]], None]] = {}
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._results: dict[int, dict[str, Any]] = {}
        self._count = 0

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Send a command of the protocol, and wait for its answer."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        self.wait_until(lambda: number in self._results)
        answer = self._results.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Read what the browser tells, until something has happened."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            if not select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError(f"the browser was silent for {PATIENCE_SECONDS} s")
            received = os.read(self._answers, 1 << 16)
            if not received:
                raise ConnectionError("the browser has ended")
            *whole, self._rest = (self._rest + received).split(b"\0")
            for message in map(json.loads, whole):
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._results[message["id"]] = message
        elif listener := self.listeners.get(message.get("sessionId", "")):
            listener(message["method"], message["params"])

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A new tab, which shares nothing with others."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        yield Page(self, session)
        del self.listeners[session]
        self.call("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser until the block ends. It takes commands on descriptor 3, and answers on 4."""
    (its_in, commands), (answers, its_out) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        start = f'exec "$@" 3<&{its_in} 4>&{its_out}'
        process = subprocess.Popen(
            ["bash", "-c", start, "browser", str(program()), *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(its_in, its_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_in)
        os.close(its_out)
        try:
            yield Browser(commands, answers)
        finally:
            os.close(commands)
            os.close(answers)
            process.terminate()
            process.wait(timeout=30)
