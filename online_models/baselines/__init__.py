"""Recommenders from the literature behind the same interface: what the default model is measured against."""
