"""SIGTERM ends a command as Ctrl-C does: drafts are removed, and programs that it started are ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dataengine.terminal.speech import say


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Raise `SystemExit` (143) in the block when SIGTERM comes, and say so; a second one has its usual effect, at once.

    Nothing changes outside the main thread, and where somebody listens to the signal or ignores it.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    is_asked = False
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if is_asked:  # not in the handler, which may have come upon another line
            say("dataengine: stopped by SIGTERM")
