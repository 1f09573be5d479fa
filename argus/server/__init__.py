"""The embedded monitor: a small platform that keeps what it is sent in run directories."""
