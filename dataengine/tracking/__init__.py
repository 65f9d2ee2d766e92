"""Who is who along a film, from poses: association on keypoints, learned on films whose people are known.

- `sightings.py`: the people of one frame as a tracker sees them.
- `pair_signs.py`: what speaks for a track and a new pose being the same person, as numbers.
- `association.py`: the weights of those signs, as a file and as probabilities; `association.yaml` are those of renders.
- `pose_tracker.py`: tracks along a film, one frame after the other.
- `pairs.py`: pairs to learn from, drawn from films with track ids; `threshold.py`: from which odds on a pair is one
  person; `fit_tracker.py`: the command that learns.
- `baselines.py`: overlap and OKS without anything learned; `box_trackers.py`: those of the library ``trackers``.
- `scores.py`: HOTA and its kin, by the library ``trackers``; `labelled_films.py`: films with known people.
- `compare_trackers.py`: the command that compares all of them; `comparison_page.py`: its page.

Adding a tracker: a class with the method of `sightings.Tracker`, and a line in `compare_trackers.trackers_of`.
"""
