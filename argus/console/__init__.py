"""What the process prints: heard beside the terminal, folded into lines, kept and forwarded."""
