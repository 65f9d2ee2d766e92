"""What a label of a single joint is worth, whoever made it: people, cameras or teachers.

`joint_weights.py` says how far each is trusted in training. Adding another property of joints: an extra column of
`People` with a function that checks and reads it, as there.
"""
