"""The HTTP client: the only code that opens a socket to a platform."""
