"""Errors of the command line that are not the API's."""


class SetupError(Exception):
    """This machine lacks something; the message says what to do."""
