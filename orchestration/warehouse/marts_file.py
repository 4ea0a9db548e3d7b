"""Files of marts, opened: the published copy and the audiences' files, plain or encrypted.

The key is named, never given: COMMISSIONS_PUBLISHED_KEY says `env:NAME` or `file:PATH`. It is read when a file is opened and
goes to DuckDB as a parameter, so that it appears in no SQL, no log and no list of processes. Reading needs nothing else;
writing needs DuckDB's extension httpfs, whose OpenSSL has safe random numbers, or the setting that accepts DuckDB's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

KEY_VARIABLE = "COMMISSIONS_PUBLISHED_KEY"
CRYPTO_VARIABLE = "COMMISSIONS_PUBLISHED_CRYPTO"
CRYPTO_CODES = ("httpfs", "built_in")
KEY_LENGTH_MIN = 16
# Blocks of 16 kB: a file of forty small tables is then a hundred times smaller than with the default.
SMALL_BLOCKS = 16384


class MartsFileError(Exception):
    """A file of marts cannot be opened or written: no key, the wrong one, or no safe way to encrypt."""


def read_key(env: Mapping[str, str] = os.environ) -> str | None:
    """The key that COMMISSIONS_PUBLISHED_KEY names, or None when it is unset.

    Raises MartsFileError when what is named is not there, is too short, or is a file that others may read.
    """
    reference = env.get(KEY_VARIABLE) or ""
    if not reference:
        return None
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        key = env.get(name) or ""
        if not key:
            raise MartsFileError(f"{KEY_VARIABLE} names the variable {name}, which is not set")
    elif kind == "file" and name:
        path = Path(name).expanduser()
        try:
            if path.stat().st_mode & 0o077:
                raise MartsFileError(f"{path} holds the key and others may read it. Fix: chmod 600 {path}")
            key = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise MartsFileError(
                f"{KEY_VARIABLE} names {path}, which cannot be read: {error.strerror}"
            ) from None
    else:
        raise MartsFileError(
            f"{KEY_VARIABLE} says where the key is, `env:NAME` or `file:PATH`; the key itself does not belong there"
        )
    if len(key) < KEY_LENGTH_MIN:
        raise MartsFileError(
            f"the key that {KEY_VARIABLE} names has {len(key)} characters; {KEY_LENGTH_MIN} are the least. "
            "A good one: openssl rand -base64 32"
        )
    return key


def open_marts(path: Path, key: str | None = None, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection whose default database, `marts`, is the file. A plain file opens with or without a key.

    Raises MartsFileError when the file is encrypted and the key is missing or wrong.
    """
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        attach(connection, path, "marts", key, read_only=read_only)
        connection.execute("use marts")
    except Exception:
        connection.close()
        raise
    return connection


def attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    alias: str,
    key: str | None,
    *,
    read_only: bool = True,
    small_blocks: bool = False,
) -> None:
    """Attach a file of marts under a name; a file that is not there is created, encrypted when there is a key.

    Raises MartsFileError when the key is missing or wrong, or nothing safe to encrypt with is there.
    """
    import duckdb

    options = ["read_only"] if read_only else []
    options += [f"block_size {SMALL_BLOCKS}"] if small_blocks else []
    parameters = [str(path)]
    if key and (not path.exists() or is_encrypted(path)):
        options.append("encryption_key ?")
        parameters.append(key)
        if not read_only:
            prepare_to_encrypt(connection)
    listed = f" ({', '.join(options)})" if options else ""
    try:
        connection.execute(f"attach ? as {alias}{listed}", parameters)
    except duckdb.CatalogException:
        if key is None and path.exists() and is_encrypted(path):
            raise MartsFileError(
                f"{path} is encrypted. Name its key: {KEY_VARIABLE}=env:NAME or {KEY_VARIABLE}=file:PATH"
            ) from None
        raise
    except duckdb.InvalidInputException as error:
        if "encryption key" in str(error).lower():
            raise MartsFileError(
                f"{path} does not open with the key that {KEY_VARIABLE} names. Name the key it was written with; "
                "or, to continue with a new key, delete the file and run again"
            ) from None
        raise


def prepare_to_encrypt(connection: duckdb.DuckDBPyConnection, env: Mapping[str, str] = os.environ) -> None:
    """Give the connection what it needs to write encrypted files. Raises MartsFileError when there is nothing safe."""
    import duckdb

    code = env.get(CRYPTO_VARIABLE) or "httpfs"
    if code not in CRYPTO_CODES:
        raise MartsFileError(f"{CRYPTO_VARIABLE} is '{code}'. It is one of {', '.join(CRYPTO_CODES)}")
    if code == "built_in":
        connection.execute("set force_mbedtls_unsafe = true")
    else:
        try:
            connection.execute("load httpfs")
        except duckdb.Error:
            raise MartsFileError(
                f"DuckDB {duckdb.__version__} encrypts safely with its extension httpfs only, and that is not installed. "
                f"Fix: python -c \"import duckdb; duckdb.execute('install httpfs')\", once; or, where it cannot be had, "
                f"{CRYPTO_VARIABLE}=built_in (weaker random numbers, see docs/decisions.md)"
            ) from None
    connection.execute("set temp_file_encryption = true")


def is_encrypted(path: Path) -> bool:
    """Whether the file is an encrypted DuckDB file: it does not open without a key."""
    import duckdb

    with duckdb.connect(":memory:") as probe:
        try:
            probe.execute("attach ? as probe (read_only)", [str(path)])
        except duckdb.CatalogException as error:
            return "encrypted database" in str(error)
        except duckdb.Error:
            return False
    return False
