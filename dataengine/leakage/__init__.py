"""Which pictures are the same, so that nothing is learnt from what measures.

In reading order: `picture_facts.py` (hash and thumbnail of a picture, read once), `perceptual_hash.py` and
`near_duplicates.py` (which pictures look the same), `contents.py` (all of that for a table of images), `held_out.py`
(validation and test as a file), `leaks.py` (which pictures are held out; the stages that learn refuse them),
`learnt_pictures.py` (what a network has learnt from; the gate compares it with the test set). Adding a way to recognise
a held-out picture: a word of `leaks.LeakKind` and a function that `find_leaks` calls.
"""
