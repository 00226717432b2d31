"""Processes of their own, which a measurement starts and watches."""
