"""How people are scored: what a fit learns of it from its validation people (`expected_oks.py`)."""
