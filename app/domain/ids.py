"""Ids of items, users, sessions and other resources."""

ID_PATTERN = r"^[A-Za-z0-9._:~|@-]{1,128}$"
