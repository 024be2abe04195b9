"""Migrations of the flags."""
