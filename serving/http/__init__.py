"""The HTTP door (contract section 4)."""
