"""Who asks, what they may, and that nobody else sends their forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.bodies import FORM, RequestRefusedError, read_form
from api.ratelimit import RateLimit
from triage.config import Settings
from triage.errors import (
    DecisionNotFoundError,
    ForbiddenError,
    InvalidKeyError,
    NotSignedInError,
    TooManyRequestsError,
)
from triage.keys import ApiKeys
from triage.roles import ANONYMOUS, KEY_PREFIX, Principal, Role
from triage.signin import SignIn
from triage.store.decisions import StoredDecision

__all__ = [
    "EVERYBODY",
    "READERS",
    "SUBMITTERS",
    "CredentialsDep",
    "Gate",
    "GateDep",
    "Principal",
    "Role",
    "allow",
    "check_may_read",
    "may_see_personal_data",
    "sees_masked",
]

EVERYBODY = tuple(Role)
READERS = (Role.SUPERVISOR, Role.DATA_SCIENTIST)
"""Who may read what others sent in; admins may do everything."""

SUBMITTERS = (Role.INTAKE, Role.SUPERVISOR)
"""Who may send appeals in."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD, CSRF_HEADER = "csrf_token", "x-csrf-token"

_COOKIE = "session"
# Browsers take a cookie with this prefix over HTTPS alone, and from no other host.
_SECURE_COOKIE = f"__Host-{_COOKIE}"

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key; an admin makes one on the page of people, or with `triage keys add`",
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks, and what a form of theirs must carry; `principal` None for nobody known."""

    principal: Principal | None = None
    csrf_token: str = ""


NOBODY = Credentials()


class Gate:
    """Finds out who asks.

    Parameters
    ----------
    settings
        Requests without credentials have the anonymous role, if the service listens on loopback
        alone and no public address leads to it.
    """

    def __init__(self, sign_in: SignIn, keys: ApiKeys, settings: Settings) -> None:
        self._sign_in = sign_in
        self._keys = keys
        self._limit = RateLimit()
        self._session_time = timedelta(hours=settings.session_hours)
        self._public_url = settings.public_url
        self._is_public_secure = settings.public_url.startswith("https:")
        is_local = is_loopback(settings.host) and not settings.public_url
        self._serves_anonymous = is_local and settings.anonymous_role == "intake"

    def credentials(
        self, request: Request, bearer: HTTPAuthorizationCredentials | None
    ) -> Credentials:
        """Return who asks: a key if there is one, else whoever is signed in.

        Raises
        ------
        InvalidKeyError, TooManyRequestsError
        """
        if bearer is not None:
            return Credentials(self._of_key(bearer.credentials))
        if "authorization" in request.headers:
            raise InvalidKeyError("credentials are sent as: Authorization: Bearer KEY")
        token = self.session_token(request)
        found = self._sign_in.principal(token) if token else None
        if found is not None:
            return Credentials(*found)
        if self._serves_anonymous and _came_over_loopback(request):
            return Credentials(Principal(ANONYMOUS, Role.INTAKE, "anonymous"))
        return NOBODY

    def asks_store(self, request: Request, bearer: HTTPAuthorizationCredentials | None) -> bool:
        """Tell whether `credentials` has to look something up."""
        return bearer is not None or bool(self.session_token(request))

    def session_token(self, request: Request) -> str:
        """Return the token in the session's cookie, empty without one."""
        return request.cookies.get(self._cookie(request), "")

    def begin_session(self, request: Request, response: Response, token: str) -> None:
        """Set the session's cookie."""
        response.set_cookie(
            self._cookie(request),
            token,
            max_age=int(self._session_time.total_seconds()),
            secure=self.is_secure(request),
            httponly=True,
            # Strict would ask those to sign in who come by a link in a message.
            samesite="lax",
        )

    def end_session(self, request: Request, response: Response) -> None:
        """Take the session's cookie back."""
        response.delete_cookie(
            self._cookie(request), secure=self.is_secure(request), httponly=True, samesite="lax"
        )

    def address(self, request: Request) -> str:
        """Return what people know this service by, without a slash at its end."""
        return self._public_url or str(request.base_url).rstrip("/")

    def is_secure(self, request: Request) -> bool:
        """Tell whether the browser speaks HTTPS with us or with the proxy before us."""
        return self._is_public_secure or request.url.scheme == "https"

    def _cookie(self, request: Request) -> str:
        return _SECURE_COOKIE if self.is_secure(request) else _COOKIE

    def _of_key(self, secret: str) -> Principal:
        key = self._keys.find(secret)
        wait = self._limit.take(key.id, key.per_minute) if key.per_minute else 0
        if wait:
            raise TooManyRequestsError(
                f"this key may ask {key.per_minute} times a minute: wait {wait} seconds",
                retry_after=wait,
            )
        return Principal(KEY_PREFIX + key.name, key.role, "key")


async def get_gate(request: Request) -> Gate:
    """Return the app's gate."""
    gate: Gate = request.app.state.gate
    return gate


GateDep = Annotated[Gate, Depends(get_gate)]


async def get_credentials(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Credentials:
    """Return who asks, and keep it for whatever renders the answer."""
    gate = await get_gate(request)
    if gate.asks_store(request, bearer):
        found = await run_in_threadpool(gate.credentials, request, bearer)
    else:
        found = gate.credentials(request, bearer)
    request.state.credentials = found
    return found


CredentialsDep = Annotated[Credentials, Depends(get_credentials)]


def credentials_of(request: Request) -> Credentials:
    """Return who was found to ask; nobody before it was looked up."""
    found: Credentials = getattr(request.state, "credentials", NOBODY)
    return found


def allow(*roles: Role) -> Any:
    """Return the dependency of a route for these roles, and for admins; its value: who asks.

    Raises
    ------
    NotSignedInError
        Whoever asks may do so once it is known who it is.
    ForbiddenError
        It is known who asks, and the role does not allow it.
    """
    allowed = frozenset({*roles, Role.ADMIN})

    async def check(request: Request, credentials: CredentialsDep) -> Principal:
        principal = credentials.principal
        if principal is None or (principal.kind == "anonymous" and principal.role not in allowed):
            raise NotSignedInError(
                "send an API key (Authorization: Bearer KEY) or sign in at /pages/signin;"
                " an admin gives out either"
            )
        if principal.role not in allowed:
            raise ForbiddenError(
                f"this takes the role {' or '.join(sorted(allowed))}, and {principal.name} has the"
                f" role {principal.role}: ask an admin for another"
            )
        if principal.kind == "person" and request.method not in SAFE_METHODS:
            await check_csrf(request, credentials.csrf_token)
        return principal

    check.roles = allowed  # type: ignore[attr-defined]  # what the route states, for its tests
    return Depends(check)


def may_see_personal_data(principal: Principal) -> bool:
    """Tell whether somebody needs residents' personal data unmasked."""
    return principal.role in (Role.SUPERVISOR, Role.ADMIN)


def sees_masked(principal: Principal, stored: StoredDecision) -> bool:
    """Tell whether personal data of an appeal are masked for somebody; not for who sent it in."""
    return not may_see_personal_data(principal) and stored.submitted_by != principal.name


def check_may_read(principal: Principal, stored: StoredDecision) -> None:
    """Refuse a decision to an intake system that did not send its appeal in.

    Raises
    ------
    DecisionNotFoundError
        That somebody else's decision exists is not told either.
    """
    if principal.role is Role.INTAKE and stored.submitted_by != principal.name:
        raise DecisionNotFoundError(f"no decision {stored.decision.id}")


async def check_csrf(request: Request, expected: str) -> None:
    """Refuse what a signed-in person's browser sends without having been given the session's token.

    Raises
    ------
    RequestRefusedError
    """
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(FORM):
        given = (await submitted_form(request)).get(CSRF_FIELD)
    if not compare_digest((given or "").encode(), expected.encode()):
        raise RequestRefusedError(
            403, "csrf_token_wrong", f"send the session's token as {CSRF_FIELD} or {CSRF_HEADER}"
        )


async def submitted_form(request: Request) -> Mapping[str, str]:
    """Return the form in the body, read once however often it is asked for."""
    if not hasattr(request.state, "form"):
        request.state.form = await read_form(request)
    form: Mapping[str, str] = request.state.form
    return form


def local_path(given: str, default: str) -> str:
    """Return an address to go on to, if it is a path here; no other site can be meant by it."""
    # Browsers read a backslash as a slash and pass over control characters.
    is_plain = given.isprintable() and "\\" not in given
    return given if is_plain and given.startswith("/") and given[1:2] != "/" else default


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _came_over_loopback(request: Request) -> bool:
    """Tell so where the server knows; another server may listen elsewhere than the settings say."""
    host = (request.scope.get("server") or ("",))[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return True
