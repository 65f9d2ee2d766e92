"""The study of what a student gains under each judge of its pseudo-labels (`compare-judged`).

In reading order: `tracks.py` (the teacher's joints along films, and every judge's trust in them), `accepting.py` (which
joints a judge accepts), `runner.py` (trials, measured and kept), `page.py`. The command:
`compare_judged.py`.
"""
