"""OKS average precision as COCO defines it.

In reading order: `poses.py` (people and detections as arrays), `protocol.py` (how a set is scored), `oks_formula.py`
(the formula, for arrays and compiled loops), `oks_kernels.py` and `similarity.py` (OKS of all pairs), `matching.py`
(pairs people with detections once), `ap_kernels.py`, `oks.py` (the COCO figures). Everything follows pycocotools to the
last bit; a change that does not is a fault.
"""
