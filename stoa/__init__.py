"""Stoa: one self-hosted backend for people, conversation and money. Floors and laws: docs/map.md."""
