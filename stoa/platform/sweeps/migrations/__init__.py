"""Migrations of the sweeps."""
