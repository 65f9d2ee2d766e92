"""Judges of pseudo-labels without labels: what predicts where a teacher is wrong, and how well each does.

- `answers.py`: what teachers say of labelled people along films, from several views.
- `kept.py`: those answers, kept on the disk.
- `turned_views.py`: test-time views of a crop.
- `smoothing.py`: One-Euro and Kalman smoothers of tracks.
- `several_views.py`: distance from where calibrated cameras around see a joint.
- `lifted_pose.py`: distance from where the pose, lifted to space, projects to.
- `table.py`: every judge's trust in every joint.
- `together.py`: one judge learned from all.
- `known_tracks.py`: labelled people along films, and which joints are right.
- `ranking.py`: AUROC, and risk against coverage, with intervals by film.
- `compare_judges.py`: the command; `judges_page.py`: its page.

Adding a judge: a line in `table.trust_of`.
"""
