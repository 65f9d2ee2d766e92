"""What every reader rests on.

`content.py` is what a reader returns, `joints.py` knows which joint is which, `categories.py` which categories of a
COCO-like file are people.
"""
