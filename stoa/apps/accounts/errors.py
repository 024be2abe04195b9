"""Refusals of accounts."""

from stoa.kit.errors import Conflict, Denied, Limited, Unauthenticated, Upstream


class EmailTaken(Conflict):
    code, message = "EMAIL_TAKEN", "This e-mail is registered already."


class HandleTaken(Conflict):
    code, message = "HANDLE_TAKEN", "This handle is taken."


class BadCredentials(Unauthenticated):
    """One answer for an unknown e-mail, a wrong password and a disabled account."""

    code, message = "BAD_CREDENTIALS", "E-mail or password is not right."


class RefreshRefused(Unauthenticated):
    """Unknown, used before, expired or signed out: the caller signs in again."""

    code, message = "REFRESH_REFUSED", "Sign in again."


class WrongPassword(Denied):
    """Of somebody who is signed in and must show that it is they."""

    code, message = "WRONG_PASSWORD", "The password is not right."


class AccountCannotClose(Conflict):
    """Somebody else depends on this account; `details.reason` says what has to be settled first."""

    code, message = "ACCOUNT_CANNOT_CLOSE", "Something depends on this account; settle it first."


class OwnAccount(Conflict):
    """Of staff who would shut themselves out."""

    code, message = "OWN_ACCOUNT", "Nobody does this to their own account; ask a colleague."


class LockedOut(Limited):
    """Too many wrong guesses, of this account or from this address. Says the same of accounts that do not exist, and
    does not look at the password."""

    message = "Too many attempts; try again later."


class MfaRequired(Unauthenticated):
    """The first step of a sign-in was right; `details.mfa_token` opens the second, once and for five minutes."""

    code, message = "MFA_REQUIRED", "Give the code of your authenticator app."


class MfaRefused(Unauthenticated):
    """A wrong or spent code, or an `mfa_token` that is unknown, spent, expired or out of tries."""

    code, message = "MFA_REFUSED", "The code is not right, or it is too late for it."


class WrongCode(Denied):
    """Of somebody who is signed in and confirms their authenticator or phone."""

    code, message = "WRONG_CODE", "The code is not right."


class OtpRefused(Unauthenticated):
    """A wrong or spent code, or one that is unknown, expired, out of tries, or for an address that was left."""

    code, message = "OTP_REFUSED", "The code is not right, or it is too late for it."


class NoPhone(Conflict):
    code, message = "NO_PHONE", "There is no number in the profile."


class TotpOn(Conflict):
    code, message = "TOTP_ON", "An authenticator app is on already; remove it first."


class TotpOff(Conflict):
    code, message = "TOTP_OFF", "No authenticator app was added."


class TokenRefused(Denied):
    """One answer for a mailed token that is unknown, spent, expired, replaced, or for an address that was left."""

    code, message = "TOKEN_REFUSED", "This link does not work any more; ask for another."


class SocialStateRefused(Unauthenticated):
    """Not this browser's sign-in, or begun too long ago, or come back from before."""

    code, message = "SOCIAL_STATE_REFUSED", "Begin signing in again."


class SocialCancelled(Unauthenticated):
    code, message = "SOCIAL_CANCELLED", "Signing in was cancelled at the provider."


class SocialEmailNotVerified(Denied):
    """The provider does not vouch for the e-mail, or an account here has it that never showed it reads it."""

    code, message = "SOCIAL_EMAIL_NOT_VERIFIED", "Verify the e-mail on both sides first."


class SocialAccountRefused(Denied):
    code, message = "SOCIAL_ACCOUNT_REFUSED", "This account cannot sign in."


class SocialCodeRefused(Unauthenticated):
    """Unknown, spent, or older than a minute."""

    code, message = "SOCIAL_CODE_REFUSED", "Begin signing in again."


class SocialProviderFailed(Upstream):
    code, message = "SOCIAL_PROVIDER_FAILED", "The provider did not answer as it should."
