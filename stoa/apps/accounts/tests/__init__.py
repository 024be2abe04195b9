"""Tests of accounts; they mirror its files."""
