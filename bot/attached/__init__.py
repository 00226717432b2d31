"""A log for a bot that exists already: :func:`bot.attach` and what it returns."""
