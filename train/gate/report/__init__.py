"""The report of a comparison as one HTML file.

In reading order: `page.py` (what is on it), `charts.py` (inline SVG), `people.py` (people drawn), `template.py`. Adding
a chart: a function in `charts.py` that returns SVG, called in `page.py`, placed in `template.py`.
"""
