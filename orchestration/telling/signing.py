"""Signs webhooks as Standard Webhooks 1.0.0 says, so that receivers verify them with its libraries.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: HMAC-SHA256 over
`id.timestamp.body`, as `v1,<base64>`; several signatures, separated by a space, while a secret is being replaced.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64


class SecretError(ValueError):
    """A text is not a signing secret."""


def new_secret() -> str:
    """Return a new random signing secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the key in a secret `whsec_<base64>`. Raises SecretError without showing it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError("it is not whsec_ and base64") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise SecretError(f"it has {len(key)} bytes; {KEY_BYTES_MIN} to {KEY_BYTES_MAX} are allowed")
    return key


def headers(keys: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a request with a body of UTF-8; ``timestamp``: the attempt's, in seconds since 1970."""
    attempted_at = datetime.fromtimestamp(timestamp, UTC)
    signatures = [Webhook(key).sign(webhook_id, attempted_at, body.decode()) for key in keys]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
