"""Labels that people made, kept with their pictures, and what a label of a single joint is worth, whoever made it.

Read `kept_pictures.py` (pictures by their hash), `label_file.py` (one import), `label_store.py` (all imports, and which
of them counts), `answered.py` (which frames are labelled already). `joint_weights.py` says how far each joint is
trusted in training. Adding another property of joints: an extra column of `People` with a function that checks and
reads it, as there.
"""
