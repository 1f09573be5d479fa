"""How a run was launched, and from what."""
