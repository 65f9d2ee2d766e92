"""One picture from its index: described, built, observed and annotated.

`maker.py` does it in a worker; `ground_truth.py` derives visibility, masks and boxes from what was observed. Adding a
label: derive it in `ground_truth.py` and assemble it in `batch/records.py`.
"""
