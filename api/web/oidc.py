"""Signing in with an OpenID Connect provider: authorisation code with PKCE, state and nonce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.sessions import SessionMiddleware

from api.deps import BackendDep
from api.security import GateDep, local_path
from api.web.links import HOME, PAGES
from triage.config import Settings
from triage.errors import IdentityRefusedError, IdentityUnavailableError
from triage.roles import Role
from triage.secret import load_secret

OIDC = f"{PAGES}oidc"
SECONDS = 600
"""How long somebody may take at the provider."""

TIMEOUT_S = 10.0
NAME_CLAIMS = ("preferred_username", "email", "name", "sub")

router = APIRouter(prefix=OIDC)
log = structlog.get_logger(__name__)


class Provider:
    """The provider that settings name.

    Parameters
    ----------
    settings
        With `oidc_role_claim`, that claim tells a person's role at each signing in, and whoever
        has none gets in no more.
    """

    def __init__(self, settings: Settings) -> None:
        self._claims = {
            "iss": {"essential": True, "value": settings.oidc_issuer},
            "aud": {"essential": True, "value": settings.oidc_client_id},
        }
        self._role_claim = settings.oidc_role_claim
        self.client = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}"
            "/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_S,
            },
        )

    async def claims(self, request: Request) -> Mapping[str, Any]:
        """Return what the provider says of whoever comes back from it, once that is checked.

        Raises
        ------
        IdentityRefusedError
            State, nonce, signature, issuer, audience or time do not hold.
        IdentityUnavailableError
            The provider does not answer.
        """
        try:
            token = await self.client.authorize_access_token(request, claims_options=self._claims)
        except (OAuthError, JoseError, ValueError) as error:
            log.warning("oidc.refused", error=type(error).__qualname__)
            raise IdentityRefusedError("the provider's answer does not hold: start anew") from error
        except httpx2.HTTPError as error:
            raise _unavailable(error) from error
        found: Mapping[str, Any] | None = token.get("userinfo")
        if not found:
            raise IdentityRefusedError("the provider does not say who this is")
        return found

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the strongest role that the claim names; None where no claim is asked.

        Raises
        ------
        IdentityRefusedError
            The claim is asked for and names no role.
        """
        if not self._role_claim:
            return None
        named = claims.get(self._role_claim, ())
        names = {named} if isinstance(named, str) else set(map(str, named))
        roles = [role for role in Role if role.value in names]
        if not roles:
            raise IdentityRefusedError("this account has no role here: ask an admin for one")
        return roles[-1]


def install(app: FastAPI, settings: Settings) -> None:
    """Let people sign in by the provider that settings name."""
    app.state.oidc = Provider(settings)
    app.include_router(router, include_in_schema=False)
    app.add_middleware(
        SessionMiddleware,
        # Signed, for it holds state and nonce; nobody but the browser itself can read it.
        secret_key=load_secret(settings).decode(),
        session_cookie="oidc",
        path=OIDC,
        max_age=SECONDS,
        same_site="lax",
        https_only=settings.public_url.startswith("https:"),
    )


@router.get("")
async def begin(request: Request, gate: GateDep, next: str = HOME) -> Response:  # noqa: A002  # the parameter's name
    """Send whoever wants to sign in to the provider."""
    provider: Provider = request.app.state.oidc
    request.session["next"] = local_path(next, HOME)
    try:
        answer: Response = await provider.client.authorize_redirect(
            request, f"{gate.address(request)}{OIDC}/callback"
        )
    except (httpx2.HTTPError, ValueError) as error:
        raise _unavailable(error) from error
    return answer


@router.get("/callback")
async def finish(request: Request, gate: GateDep, backend: BackendDep) -> Response:
    """Sign in whom the provider sends back."""
    provider: Provider = request.app.state.oidc
    target = local_path(request.session.pop("next", HOME), HOME)
    claims = await provider.claims(request)
    name = next(str(claims[claim]) for claim in NAME_CLAIMS if claims.get(claim))
    token = await run_in_threadpool(
        backend.sign_in.by_subject, claims["sub"], name=name, role=provider.role(claims)
    )
    response = RedirectResponse(target, status_code=303)
    gate.begin_session(request, response, token)
    return response


def _unavailable(error: Exception) -> IdentityUnavailableError:
    log.error("oidc.unavailable", error=type(error).__qualname__)
    return IdentityUnavailableError("the identity provider does not answer")
