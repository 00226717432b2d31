"""What moderators may ask of the bot and have it do; ``commands.py`` lists it all."""
