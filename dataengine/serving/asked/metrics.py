"""What the service counts, for Prometheus. All names begin with ``dataengine_``."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
PEOPLE = (1, 2, 4, 8, 16, 32, 64)


class ServingMetrics:
    """The counters of one service, in a registry of their own, so that two services of a process are two."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "dataengine_requests", "Requests by the status they ended with", ["code"], registry=self.registry
        )
        self.people = Counter("dataengine_people", "People answered", registry=self.registry)
        self.expired = Counter(
            "dataengine_expired", "Requests too late, by what they waited for", ["at"], registry=self.registry
        )
        self.seconds = Histogram(
            "dataengine_request_seconds", "From arrival to answer", buckets=SECONDS, registry=self.registry
        )
        self.batch = Histogram("dataengine_batch_people", "People in a batch", buckets=PEOPLE, registry=self.registry)
        self.inside = Gauge("dataengine_requests_inside", "Requests taken in and not answered", registry=self.registry)
        self.shadow = Counter(
            "dataengine_shadow_people", "People shown to the candidate, or not", ["outcome"], registry=self.registry
        )
