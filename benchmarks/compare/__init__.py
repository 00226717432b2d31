"""Echoless side by side with what one would pick instead: ``python -m benchmarks.compare``."""
