"""Generates the clients again: `make clients`."""

from tests import clients

clients.generate()
