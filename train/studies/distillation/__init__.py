"""What distillation brings along a chain of networks, largest first (`compare-distilled`).

In reading order: `plan.py` (who teaches whom, the params of each fit), `measuring.py` (products, parameters, time of a
crop), `runner.py` (fits, measured and kept), `page.py`. The command is `compare_distilled.py`.
"""
