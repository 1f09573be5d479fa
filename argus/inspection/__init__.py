"""Whether a run here would report, looked at as the run itself would: nothing is guessed."""
