"""Encoders, heads, baselines, and the import of published weights."""
