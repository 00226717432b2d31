"""The chat in the terminal: a person types, and sees what bots do."""
