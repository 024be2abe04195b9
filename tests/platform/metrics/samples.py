"""An exposition as a dictionary."""

from prometheus_client.parser import text_string_to_metric_families


class Samples(dict[str, dict[tuple[str, ...], float]]):
    """Sample name -> values of its labels in the order of their names -> value."""


def samples_of(text: str) -> Samples:
    found = Samples()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found
