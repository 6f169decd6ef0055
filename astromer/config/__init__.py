"""The configuration of a run: every key with its default, bounds, description and, if it has one, its source.

All defaults are defined here. The workflow, the stages, the Python interface and the tests read these models; the JSON
schema and the table of keys in the documentation are generated from them (`config/write_docs.py`). The options of a
survey's format are defined by the reader of that format, `astromer/surveys/readers/<format>.py`.

"Sect." refers to Donoso-Oliva et al. 2026, A&A 707, A170.
"""
