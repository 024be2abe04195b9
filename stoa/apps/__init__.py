"""One folder a domain; the order of the apps stands in docs/map.md."""
