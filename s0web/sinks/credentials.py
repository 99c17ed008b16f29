"""What a sink needs to be let in: a secret from a file, and whom its TLS trusts."""

import ssl
from pathlib import Path

from ..errors import SinkError


def secret_of(path: str) -> str:
    """The first line of a file that only the service may read; SinkError says what is wrong."""
    file = Path(path)
    try:
        if file.stat().st_mode & 0o007:
            raise SinkError(f"secret_file {path} may be read by everyone: chmod 600 {path}")
        secret = file.read_text("utf-8").partition("\n")[0].strip()
    except UnicodeDecodeError:
        raise SinkError(f"secret_file {path} is not a text: write the secret in it") from None
    except SinkError:
        raise
    except OSError as error:
        raise SinkError(
            f"secret_file {path} cannot be read ({error.strerror}): does it exist, and belong to "
            "the user of the service?"
        ) from None
    if not secret or not secret.isprintable():
        raise SinkError(f"secret_file {path} holds no secret: write it in the first line")
    return secret


def context(ca_file: str, verify: bool) -> ssl.SSLContext:
    """TLS that trusts the system's CAs, or those of the file alone; SinkError for a bad file."""
    try:
        made = ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError:
        raise SinkError(f"ca_file {ca_file} is no certificate (PEM): take the CA's") from None
    except OSError as error:
        raise SinkError(f"ca_file {ca_file} cannot be read ({error.strerror}).") from None
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
