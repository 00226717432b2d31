"""The moderators' commands; ``commands.py`` lists them."""
