"""What the machine is doing: the only code that reads /proc and its kin."""
