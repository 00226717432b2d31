"""``echoless demo``, and the judge of a run. It is the top floor, because it uses all others."""
