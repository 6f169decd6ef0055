"""Simulated surveys of labelled variable stars in the style of MACHO and ATLAS, for tests and teaching."""

from astromer.surveys.simulation.styles import STYLES
from astromer.surveys.simulation.survey import MAX_OBJECTS, SimulationSpec, simulate

__all__ = ["MAX_OBJECTS", "STYLES", "SimulationSpec", "simulate"]
