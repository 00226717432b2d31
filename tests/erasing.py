"""Taking words away."""

ERASE = "UPDATE events SET subject_id = NULL, salt = NULL, sealed = NULL"
"""Erases the words of all events, or of those that a WHERE clause after it chooses."""
