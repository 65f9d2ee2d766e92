"""A command that is stopped says so in one line, and clears up: SIGTERM ends it as Ctrl-C does, by an exception.

So drafts are removed, and programs that it started are ended.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dataengine.terminal.speech import say_last


@contextmanager
def stopped_in_one_line() -> Iterator[None]:
    """Raise `SystemExit` (143) in the block when SIGTERM comes; say that it, or Ctrl-C, ended the block.

    A second signal has its usual effect, at once. SIGTERM is left alone outside the main thread, and where somebody
    listens to it or ignores it.
    """
    is_asked = False

    def leave(number: int, _frame: FrameType | None) -> None:
        nonlocal is_asked
        is_asked = True
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(128 + number)

    in_main_thread = threading.current_thread() is threading.main_thread()
    listens = in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if listens:
        signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if _is_of_ctrl_c(end):
            say_last("dataengine: stopped by Ctrl-C")
            raise SystemExit(128 + signal.SIGINT) from end
        raise
    finally:
        if listens:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if is_asked:  # not in the handler, which may have come upon another line
            say_last("dataengine: stopped by SIGTERM")


def _is_of_ctrl_c(end: BaseException) -> bool:
    """Whether it is Ctrl-C's, or the exit into which typer turns that without a word."""
    came_of = end.__context__.__cause__ if end.__context__ is not None else None
    return isinstance(end, KeyboardInterrupt) or isinstance(came_of, KeyboardInterrupt)
