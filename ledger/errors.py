"""How Gatebook says no: one family of errors for every app."""


class GatebookError(Exception):
    """Anything that Gatebook refuses on purpose; `str()` gives the text for people."""


class Refused(GatebookError):
    """The request is well formed, but the present state or a rule forbids it.

    `code` is stable and meant for programs (`not_on_offer`); `text` is for people.
    The API answers 409, pages answer 422.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return str(self.text)


class Invalid(GatebookError):
    """The input itself is wrong.

    `where` names the place: a field or a path such as `/features/3/name`; empty for the whole input.
    The API answers 400.
    """

    def __init__(self, code: str, text: str, where: str = "") -> None:
        super().__init__(code, text, where)
        self.code = code
        self.text = text
        self.where = where

    def __str__(self) -> str:
        return str(self.text)
