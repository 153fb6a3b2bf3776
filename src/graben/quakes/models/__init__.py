"""The models that `graben.models` names."""
