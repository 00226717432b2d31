"""A Discord on loopback, REST API and gateway, to test any bot without a token; see docs/sandbox.md."""
