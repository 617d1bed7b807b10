"""Bearer tokens, compared as bytes and in constant time."""

from hmac import compare_digest

from flask import abort, request

SCHEME = "Bearer "


def require_token(token: str) -> None:
    """Abort with 403 unless the request carries the token."""
    header = request.headers.get("Authorization", "")
    presented = header.removeprefix(SCHEME) if header.startswith(SCHEME) else ""
    # WSGI passes headers as Latin-1, and compare_digest raises for strings that are not ASCII.
    if not compare_digest(presented.encode("latin-1"), token.encode()):
        abort(403, "the bearer token is missing or wrong")
