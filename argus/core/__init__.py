"""Pure code: no thread, file, socket, clock or random number lives here."""
