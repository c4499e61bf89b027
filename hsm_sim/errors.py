"""The one way a command says no from deep inside: `RefusedError` with the code the client will read."""


class RefusedError(Exception):
    """The request is answered with this error code and nothing else; the text holds no value of it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"answered {code}")
        self.code = code
