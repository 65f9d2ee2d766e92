"""Pages in a real headless Chromium: what fits a phone, what is printed, what the console says."""

import html
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from dataengine.doctor.environment import find_browser

CHROMIUM = find_browser()
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
)
# A frame of a phone's width: a browser's own window does not get that narrow. What it finds stands in the title.
PHONE = """<!doctype html><meta charset="utf-8"><title>waiting</title>
<script>
function measure(frame) {{
  const page = frame.contentDocument.documentElement;
  const pictures = [...frame.contentDocument.images];
  const broken = pictures.filter(picture => !picture.complete || picture.naturalWidth === 0).length;
  const wide = [...frame.contentDocument.body.querySelectorAll("*")].filter(
    element => element.getBoundingClientRect().right > 376).map(element => element.tagName + "." + element.className);
  document.title = [page.scrollWidth, pictures.length, broken, ...wide.slice(0, 5)].join(" ");
}}
</script>
<iframe width="375" height="800" style="border:0" onload="measure(this)" srcdoc="{page}"></iframe>"""


def browse(profile: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    if not CHROMIUM:
        pytest.skip("not looked at: no Chromium or Chrome is installed")
    command: Sequence[str] = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def seen_on_a_phone(page: str, folder: Path) -> tuple[int, int, int, str]:
    """How wide the page gets in a frame of 375 pixels, its pictures, those that do not show, what is too wide."""
    frame = folder / "phone.html"
    frame.write_text(PHONE.format(page=html.escape(page)))
    shown = browse(folder / "profile", "--dump-dom", frame.as_uri()).stdout
    title = re.search(r"<title>(\d+) (\d+) (\d+) ?(.*?)</title>", shown)
    assert title is not None, shown[:300]
    return int(title[1]), int(title[2]), int(title[3]), title[4]
