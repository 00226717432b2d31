"""A Discord on loopback, REST and gateway, to try and test a bot without a token; it knows nothing of our bot."""
