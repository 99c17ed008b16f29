"""What is wrong between us and an MQTT broker, in sentences: no connection, not welcome, a message
not taken.
"""

import socket
import ssl

_VERSION = (1, 132)  # reason codes of MQTT 3.1.1 and of MQTT 5
_NAME = (2, 133)
_BUSY = (3, 136, 137, 151, 159)
_WHO = (4, 5, 134, 135)
_NOT_ALLOWED = 135


def not_connected(error: Exception, host: str, at: str, timeout: float, tls: bool) -> str:
    """Why there is no connection to the broker `at` host:port."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"{at}: its certificate is not trusted ({error.verify_message}): give the file of "
                "its CA as ca_file, and as host a name that is in the certificate"
            )
        case TimeoutError():
            return f"{at} does not answer within {timeout:g} s: is it on?"
        case ssl.SSLError() | ConnectionResetError() if tls:
            return f"{at} speaks no TLS with us ({_text(error)}): is that its port with TLS?"
        case ConnectionRefusedError():
            return f"{at} refuses the connection: does the broker run there, is the port right?"
        case socket.gaierror() | UnicodeError():
            return f"no address is known of host {host}: is the name right, does the network work?"
    return f"{at} cannot be reached ({_text(error)}): is it on, and is the address right?"


def refused(code: int, at: str, user: str) -> str:
    """Why the broker does not take us."""
    if code in _WHO:
        if not user:
            return f"{at} takes nobody without a name: set user and password"
        return f"{at} refuses user {user}: are user and password right?"
    if code in _VERSION:
        return f"{at} does not speak this version of MQTT: set version = 3.1.1"
    if code in _NAME:
        return f"{at} does not allow our client id: let it take any that begins with s0web-"
    if code in _BUSY:
        return f"{at} is busy and takes nobody now: look at the broker's log"
    return f"{at} does not take us (reason {code}): look at the broker's log"


def not_taken(code: int, at: str, user: str, topic: str) -> str:
    """Why the broker does not take a message."""
    if code == _NOT_ALLOWED:
        who = f"user {user}" if user else "those without a name"
        return f"{at} does not let {who} write {topic}: allow it in the broker's access list"
    return f"{at} refuses {topic} (reason {code}): look at the broker's log"


def _text(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
