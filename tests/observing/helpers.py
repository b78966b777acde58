"""Reading what `/metrics` says, as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families


class Read:
    """An exposition, parsed. Every series is in it once, or it is none."""

    def __init__(self, text: bytes) -> None:
        self.text = text.decode("ascii")
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}
        self._series: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in self.families.values():
            assert family.documentation, f"{family.name} is not explained"
            for sample in family.samples:
                series = sample.name, frozenset(sample.labels.items())
                assert series not in self._series, f"{series} is there twice"
                self._series[series] = sample.value

    def __call__(self, name: str, **labels: str) -> float:
        """The value of a series. It has to be there."""
        return self._series[name, frozenset(labels.items())]

    def has(self, name: str) -> bool:
        """Whether there is any series of this name."""
        return any(known == name for known, _ in self._series)

    def values_of(self, label: str) -> set[str]:
        """All values that a label has anywhere."""
        return {value for _, labels in self._series for name, value in labels if name == label}
