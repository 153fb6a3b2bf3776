"""Landforms from elevation models."""
