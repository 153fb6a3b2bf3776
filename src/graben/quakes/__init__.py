"""Probability of earthquakes from catalogues and terrain."""
