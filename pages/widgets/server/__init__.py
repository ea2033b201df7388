"""What the whole server does: cookies, limits, the log, and collecting garbage."""
