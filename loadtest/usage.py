"""What is wrong with what we were asked to do: told in a sentence, exit code 2, no traceback."""


class UsageError(Exception):
    """A command line, scenario or file that cannot be used. The text is for people and holds no secret."""
