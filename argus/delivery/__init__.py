"""From the caller's buffer to the platform: owns the threads."""
