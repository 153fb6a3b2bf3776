"""The models that learn landforms from labels."""
