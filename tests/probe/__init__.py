"""A small app with routes of every kind, so that the HTTP contract is tested through the real machinery.

Installed by the test settings only: the contract's rules about money, versions and staff tables must be proven
before the first app that needs them exists."""
