"""The control API: build the world, act as people, judge what the bot did, make things fail."""
