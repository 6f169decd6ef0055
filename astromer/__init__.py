"""ASTROMER: representations of light curves learned without labels, and classifiers of variable stars on top."""

__version__ = "0.1.0"
