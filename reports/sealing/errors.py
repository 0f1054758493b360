"""How sealing fails."""


class SealFailed(Exception):
    """A report that could not be sealed; nothing was written. `code` is stable, `text` is for people.

    Codes: `no_time_stamp`, `expired`.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
