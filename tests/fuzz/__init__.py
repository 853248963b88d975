"""Schemathesis against a running server: `make fuzz`; a shorter run is part of `make test`."""
