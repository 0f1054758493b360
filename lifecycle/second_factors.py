"""How django-allauth keeps and names second factors here: secrets encrypted, this site as the issuer."""

from __future__ import annotations

import base64

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """The adapter that `MFA_ADAPTER` names."""

    def encrypt(self, text: str) -> str:
        """The secret as it is stored: encrypted with a key made of the site's secret key."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The other way round; ImproperlyConfigured when the site's secret key is another one now."""
        try:
            return _fernet().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            text = "A second factor was stored under another GATEBOOK_SECRET_KEY: put that one back."
            raise ImproperlyConfigured(text) from error

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """What an authenticator app shows beside the code."""
        return str(user.get_username())

    def get_totp_issuer(self) -> str:
        """Who the code is for."""
        return "Gatebook"

    def _get_site_name(self) -> str:
        return "Gatebook"


def _fernet() -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"gatebook second factors").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
