"""What the service and its shadow share: a request's people as crops, a model under its id, and what is counted.

Begin with `crops.py` (a request, checked), then `served_model.py` (the model that answers) and `metrics.py`.
"""
