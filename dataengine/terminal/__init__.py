"""What a command takes and shows at the terminal.

`options.py` holds options that several commands share, `speech.py` the two ways to write a line (what happened, and
what was asked for), `progress.py` the bar over long work. Adding a shared option: an annotated type in `options.py`.
"""
