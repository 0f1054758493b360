"""Why a request to another system gave no answer."""


class OutboundError(Exception):
    """No answer that can be used; `str()` says why in words for pages, without header or secret.

    `code` is one of `bad_address`, `refused_address`, `unknown_host`, `unreachable`, `tls`, `timed_out`,
    `too_large`, `redirected`, `broken_answer`.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
