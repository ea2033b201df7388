"""Server-wide parts: cookies, limits, the log, garbage collection."""
