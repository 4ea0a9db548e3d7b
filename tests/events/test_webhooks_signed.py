"""Signatures are those of Standard Webhooks: two implementations that are not ours agree, and refuse what was changed."""

import base64
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from orchestration.telling.signing import SecretError, headers, key_of, new_secret
from tests.support.servers.receiving import SECRET

BODY = '{"type":"period.closed","data":{"amount":"963.08","name":"José"}}'.encode()


def signed(*secrets: str, body: bytes = BODY, timestamp: int | None = None) -> dict[str, str]:
    return headers([key_of(secret) for secret in secrets], "evt_1", timestamp or int(time.time()), body)


def test_the_library_verifies_what_we_sign() -> None:
    assert Webhook(SECRET).verify(BODY, signed(SECRET))["data"]["amount"] == "963.08"


@pytest.mark.parametrize(
    "change",
    [
        lambda body, sent: (body.replace(b"963.08", b"963.09"), sent),
        lambda body, sent: (body, {**sent, "webhook-id": "evt_2"}),
        lambda body, sent: (body, {**sent, "webhook-timestamp": str(int(sent["webhook-timestamp"]) + 1)}),
    ],
    ids=("body", "id", "timestamp"),
)
def test_what_was_tampered_with_is_refused(change) -> None:  # type: ignore[no-untyped-def]
    body, sent = change(BODY, signed(SECRET))
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(SECRET).verify(body, sent)


def test_an_old_request_that_is_sent_again_by_somebody_else_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(BODY, signed(SECRET, timestamp=int(time.time()) - 301))


def test_openssl_makes_the_same_signature() -> None:
    sent = signed(SECRET, timestamp=1_700_000_000)
    made = subprocess.run(
        [
            "openssl",
            "dgst",
            "-sha256",
            "-mac",
            "HMAC",
            "-macopt",
            f"hexkey:{key_of(SECRET).hex()}",
            "-binary",
        ],
        input=b"evt_1.1700000000." + BODY,
        capture_output=True,
        check=True,
    ).stdout
    assert sent["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"


def test_while_a_secret_is_replaced_both_verify() -> None:
    other = new_secret()
    sent = signed(other, SECRET)
    for secret in (other, SECRET):
        Webhook(secret).verify(BODY, sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, sent)


def test_the_ten_lines_of_the_guide_verify_and_refuse() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(lines, names)  # what receivers copy from there
    is_genuine = names["is_genuine"]
    assert is_genuine(SECRET, signed(new_secret(), SECRET), BODY)
    assert not is_genuine(SECRET, signed(SECRET), BODY + b" ")
    assert not is_genuine(SECRET, signed(new_secret()), BODY)
    assert not is_genuine(SECRET, signed(SECRET, timestamp=int(time.time()) - 301), BODY)


@pytest.mark.parametrize("secret", ["whsec_no base64!", "whsec_" + base64.b64encode(b"short").decode(), ""])
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(SecretError) as refused:
        key_of(secret)
    assert secret == "" or secret not in str(refused.value)
