"""The stages of the workflow as plain functions: they take paths and values, and write files.

Sections of the configuration are plain dictionaries, as read from a YAML file; missing keys get their defaults. The
stages do not depend on Snakemake: they are called by workflow scripts, by tests or directly.
"""
