"""The peer without middleware, built before it serves."""

from benchmarks.peers import django_application

application = django_application([])
