"""Simulated surveys of labelled variable stars in the manner of MACHO and ATLAS, good enough to teach and test with."""

from astromer.data.simulation.styles import STYLES
from astromer.data.simulation.survey import MAX_OBJECTS, SimulationSpec, simulate

__all__ = ["MAX_OBJECTS", "STYLES", "SimulationSpec", "simulate"]
