"""``echoless demo``, and the judge of what came of a run: on top of everything, for it plays with all of it."""
