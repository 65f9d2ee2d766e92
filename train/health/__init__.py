"""The health page of pseudo-labels: what is accepted of which joint and film, how right it is, and what it looks like.

`page.py` writes `health.html`; `joint_crops.py` cuts the pictures of single joints; `template.py` is the page. Adding a
section: a value in `page.py` and its place in `template.py`.
"""
