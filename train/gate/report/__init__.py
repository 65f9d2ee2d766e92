"""The report of a comparison as one HTML file.

In reading order: `page.py` (what is on it), `words.py` (its sentences), `charts.py` (inline SVG), `people.py` (people),
`template.py`. Adding a chart: a function in `charts.py` that returns SVG, called in `page.py`, placed in `template.py`.
"""
