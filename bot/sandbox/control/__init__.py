"""The control API: build the world, act as people, look at what the bot did, make things fail."""
