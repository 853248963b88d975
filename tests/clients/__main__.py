"""Generates the clients again: `make clients`."""

from tests import clients

clients.generate_typescript(clients.TYPESCRIPT / "src")
clients.generate_python(clients.PYTHON_PACKAGE)
