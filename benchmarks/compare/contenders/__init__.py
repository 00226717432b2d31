"""What one would pick instead, each used as its documentation shows."""
