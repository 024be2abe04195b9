"""Liveness, readiness, admission and drain, answered before Django."""
