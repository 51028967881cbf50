"""What the service tells Prometheus. Labels are few and bounded: no user, no text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)
"""Bounds (s) of the histograms: from a cached short answer to a long one by a small model on a CPU."""


class Metrics:
    """The service's metrics in a registry of their own, each labelled with the app's version."""

    def __init__(self, version: str) -> None:
        self.registry, self._version = CollectorRegistry(), version
        self._requests = Counter(
            "app_requests", "Requests by route and status code.", ("version", "route", "code"), registry=self.registry
        )
        self._first_byte = Histogram(
            "app_time_to_first_byte_seconds",
            "From a request to the first byte of its answer.",
            ("version", "variant"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._duration = Histogram(
            "app_answer_duration_seconds",
            "From a request to the end of its answer.",
            ("version", "variant"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "app_tokens",
            "Tokens that the model counted, by direction: input or output.",
            ("version", "variant", "direction"),
            registry=self.registry,
        )
        self._feedback = Counter(
            "app_feedback",
            "Feedback by variant and verdict.",
            ("version", "variant", "helpful"),
            registry=self.registry,
        )

    def request(self, route: str, code: int) -> None:
        """Counts a finished request."""
        self._requests.labels(self._version, route, str(code)).inc()

    def first_byte(self, variant: str, seconds: float) -> None:
        """Notes how long (s) a user waited for the first byte of an answer."""
        self._first_byte.labels(self._version, variant).observe(seconds)

    def answered(self, variant: str, seconds: float, tokens_in: int, tokens_out: int) -> None:
        """Notes a whole answer: its time (s) and its tokens."""
        self._duration.labels(self._version, variant).observe(seconds)
        self._tokens.labels(self._version, variant, "input").inc(tokens_in)
        self._tokens.labels(self._version, variant, "output").inc(tokens_out)

    def feedback(self, variant: str, helpful: bool) -> None:
        """Counts one verdict of a user."""
        self._feedback.labels(self._version, variant, str(helpful).lower()).inc()
