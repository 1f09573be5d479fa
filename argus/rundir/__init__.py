"""The run directory: its layout, and the only code that opens the files in it."""
