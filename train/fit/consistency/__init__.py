"""Learning from people without labels: a teacher answers a weak view, the student is to answer the strong one alike.

In reading order: `params.py`; `people.py` (who has no labels, and how many of their joints are hidden);
`teaching.py` (the loss); `watch.py` (figures of every epoch, and when a fit has
collapsed) with `plot.py`. Xie et al. ("An Empirical Study of the Collapsing Problem in Semi-Supervised 2D Human Pose
Estimation", ICCV 2021) show why the two views must differ in difficulty; Mean Teacher (Tarvainen and Valpola, 2017) is
the teacher of mode `ema`, FixMatch (Sohn et al., 2020) the mask by confidence.
"""
