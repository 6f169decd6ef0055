"""Provenance of each job, crate and report of a run."""
