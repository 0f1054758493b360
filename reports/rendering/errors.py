"""How rendering fails."""


class RenderFailed(Exception):
    """A report that was not rendered. `code` is stable, `text` is for people; nothing was written.

    Codes: `timeout`, `memory`, `refused_address`, `crashed`.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
