"""Tokens of workspaces, and the recovery codes that people write down."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.errors import WorkspaceError
from mnist_core.store.workspaces import from_recovery_code, new_workspace, random_start, recovery_code, workspace_key

TOKENS = st.binary(min_size=16, max_size=16).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_tokens_are_128_bits_and_never_the_same() -> None:
    tokens = {new_workspace() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert {len(base64.urlsafe_b64decode(token + "==")) for token in tokens} == {16}


@given(TOKENS)
def test_recovery_code_gives_the_token(token: str) -> None:
    code = recovery_code(token)
    assert [len(group) for group in code.split("-")] == [5] * 6
    assert from_recovery_code(code) == token


@given(TOKENS)
def test_code_as_people_type_it(token: str) -> None:
    code = recovery_code(token)
    assert from_recovery_code(code.lower()) == token
    assert from_recovery_code(f"  {code.replace('-', ' ')}\n") == token
    assert from_recovery_code(code.replace("-", "")) == token
    assert from_recovery_code(code.replace("-", "–")) == token
    assert from_recovery_code(code.replace("0", "O").replace("1", "l")) == token
    assert from_recovery_code(code.replace("0", "o").replace("1", "I")) == token


def test_code_of_zeros_computed_by_hand() -> None:
    """128 zero bits, then the first 22 of the check's SHA-256."""
    token = base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode()
    bits = "0" * 128 + bin(int(hashlib.sha256(b"recovery code" + bytes(16)).hexdigest(), 16))[2:].zfill(256)[:22]
    symbols = [ALPHABET[int(bits[i : i + 5], 2)] for i in range(0, 150, 5)]
    assert recovery_code(token).replace("-", "") == "".join(symbols)


@given(TOKENS)
def test_random_start_is_a_seed_and_always_the_same(token: str) -> None:
    secret = base64.urlsafe_b64decode(token + "==")
    expected = int(hmac.new(secret, b"random start", hashlib.sha256).hexdigest()[:8], 16) // 2
    assert random_start(token) == expected
    assert 0 <= expected < 2**31


def test_visitors_have_different_random_starts() -> None:
    assert len({random_start(new_workspace()) for _ in range(100)}) == 100


@given(TOKENS, st.data())
def test_every_single_typing_error_is_noticed(token: str, data: st.DataObject) -> None:
    code = recovery_code(token).replace("-", "")
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from(sorted(set(ALPHABET) - {code[place]})))
    with pytest.raises(WorkspaceError):
        from_recovery_code(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize(
    "change", [lambda code: code[:-1], lambda code: code + "0", lambda code: "", lambda code: "U" * 30]
)
def test_invalid_code_is_refused_without_repeating_it(change: object) -> None:
    assert callable(change)
    wrong = change(recovery_code(new_workspace()))
    with pytest.raises(WorkspaceError) as caught:
        from_recovery_code(wrong)
    assert not wrong or wrong not in str(caught.value)


def test_key_is_the_sha256_of_the_secret() -> None:
    token = new_workspace()
    assert workspace_key(token) == hashlib.sha256(base64.urlsafe_b64decode(token + "==")).hexdigest()


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 23, "a" * 21 + "!", "ä" * 22, "../../../../etc/passwd", "a" * 22 + "\n"]
)
def test_invalid_token_is_refused(token: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        workspace_key(token)
    assert not token or token not in str(caught.value)
    with pytest.raises(WorkspaceError):
        recovery_code(token)
