"""Telling afterwards what happened: the story of one request id, and the ids that make it one story.

Each package answers for its own rows through the port in `contracts`; project/wiring.py connects them.
"""
