"""A page in a real headless Chromium, in real time, by its DevTools protocol: for pages that never fall silent."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from .browser import CHROMIUM, FLAGS

REAL_TIME = [flag for flag in FLAGS if not flag.startswith("--virtual-time")]


def seen(url: str, profile: Path, *, until: Sequence[str], picture: Path, size: tuple[int, int], seconds: int) -> str:
    """Wait until the page says all of `until`, save a picture of it, and return its text, whatever it is by then."""
    command = [str(CHROMIUM), *REAL_TIME, "--remote-debugging-port=0", f"--window-size={size[0]},{size[1]}"]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
    ) as browser:
        try:
            return asyncio.run(asyncio.wait_for(_seen(url, profile, until, picture, seconds), seconds + 60))
        finally:
            browser.kill()


async def _seen(url: str, profile: Path, until: Sequence[str], picture: Path, seconds: float) -> str:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    active = profile / "DevToolsActivePort"  # the browser chooses the port, and writes it there
    while not (active.is_file() and active.read_text().strip()):
        await asyncio.sleep(0.1)
    address = f"http://127.0.0.1:{active.read_text().split()[0]}/json"
    async with aiohttp.ClientSession() as session:
        pages = await (await session.get(address)).json()
        target = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        async with session.ws_connect(target, max_msg_size=0) as socket:
            await _ask(socket, "Page.navigate", url=url)
            text = ""
            while loop.time() < deadline and not all(words in text for words in until):
                await asyncio.sleep(0.5)
                found = await _ask(socket, "Runtime.evaluate", expression="document.body.innerText", returnByValue=True)
                text = str(found["result"].get("value", ""))
            await asyncio.sleep(3)  # pictures follow the words
            shot = await _ask(socket, "Page.captureScreenshot", format="png")
            picture.write_bytes(base64.b64decode(str(shot["data"])))
            return text


async def _ask(socket: aiohttp.ClientWebSocketResponse, method: str, **params: object) -> dict[str, dict[str, str]]:
    await socket.send_json({"id": 1, "method": method, "params": params})
    while True:
        answer = json.loads((await socket.receive()).data)
        if answer.get("id") == 1:
            result: dict[str, dict[str, str]] = answer["result"]
            return result
