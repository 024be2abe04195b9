"""The peer as Django's and DRF's tutorials have it, built before it serves."""

from benchmarks.peers import TUTORIAL_MIDDLEWARE, django_application

application = django_application(TUTORIAL_MIDDLEWARE)
