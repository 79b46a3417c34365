"""A small OpenID Connect provider with a real RSA key, served on a port of its own."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "triage", "shared with the provider"


class Provider:
    """Signs in whoever comes as `claims`; `tampering` overrides what the token says."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.claims: dict[str, Any] = {}
        self.tampering: dict[str, Any] = {}
        self.key = self.published = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self._codes: dict[str, dict[str, str]] = {}
        config = uvicorn.Config(self._app(), port=self.port, log_level="warning", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=60)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def configuration() -> dict[str, Any]:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.published.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(
            client_id: str,
            redirect_uri: str,
            state: str,
            nonce: str,
            code_challenge: str,
            code_challenge_method: str,
            response_type: str,
            scope: str,
        ) -> RedirectResponse:
            assert (client_id, response_type, code_challenge_method) == (CLIENT_ID, "code", "S256")
            assert "openid" in scope.split()
            code = f"code-{len(self._codes)}"
            self._codes[code] = {"challenge": code_challenge, "nonce": nonce}
            query = urlencode({"code": code, "state": state})
            return RedirectResponse(f"{redirect_uri}?{query}", 302)

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            form = dict(parse_qsl((await request.body()).decode()))
            given = self._codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = urlsafe_b64encode(digest).decode().rstrip("=")
            if given is None or given["challenge"] != challenge:
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = int(time.time())
            claims = {
                "iss": self.issuer,
                "aud": CLIENT_ID,
                "iat": now,
                "exp": now + 60,
                "nonce": given["nonce"],
            }
            signed = jwt.encode(
                {"alg": "RS256", "kid": "1"}, claims | self.claims | self.tampering, self.key
            )
            return JSONResponse(
                {"access_token": "opaque", "token_type": "Bearer", "id_token": signed}
            )

        return app
