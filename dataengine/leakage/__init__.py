"""Which pictures measure, wherever they turn up, so that nothing is learnt from them.

In reading order: `picture_facts.py` (hash and thumbnail of a picture, read once), `perceptual_hash.py` (what looks the
same), `contents.py` (both for a table of images), `held_out.py` (validation and test as a file), `leaks.py` (which
pictures are held out; the stages that learn refuse them). Adding a way to recognise a held-out picture: a word of
`leaks.LeakKind` and a function that `find_leaks` calls.
"""
