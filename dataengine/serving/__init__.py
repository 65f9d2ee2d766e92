"""`dataengine serve`: a model that answers pictures over gRPC, and a candidate that answers them in its shadow.

In reading order: `messages/pose.proto` (what is asked and answered), `params.py`, `service.py` (the calls),
`asked/` (a request to crops, the model), `batching.py` (crops of many requests to batches), `access.py` (TLS, token,
addresses), `running.py` (the service from its start to its end), `client.py`. `shadow/` asks the candidate.

Adding a call: to `pose.proto` and to `PoseService.handler`. Needs the extra `serve`.
"""
