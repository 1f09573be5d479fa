"""What reporting costs, and how fast it is: `python -m tests.benchmarks --help`."""
