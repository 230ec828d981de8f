"""Forms of files that are told by their first bytes and not read: encrypted ones, other archives, pictures."""

from __future__ import annotations

_ENCRYPTED = {
    b"age-encryption.org/v1": "age", b"-----BEGIN AGE ENCRYPTED FILE-----": "age",
    b"-----BEGIN PGP MESSAGE-----": "OpenPGP", b"Salted__": "OpenSSL", b"U2FsdGVkX1": "OpenSSL",
    b"$ANSIBLE_VAULT;": "Ansible Vault", b"LUKS\xba\xbe": "LUKS", b"\x03\xd9\xa2\x9a": "KeePass",
    b"AES\x00": "AES Crypt", b"AES\x01": "AES Crypt", b"AES\x02": "AES Crypt", b"AES\x03": "AES Crypt",
    b"-----BEGIN CMS-----": "CMS", b"-----BEGIN PKCS7-----": "CMS", b"-FVE-FS-": "BitLocker",
}  # fmt: skip
_NOT_READ = {
    b"SQLite format 3\0": "an SQLite database", b"%PDF": "a PDF", b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture", b"\x7fELF": "a program", b"MZ\x90": "a program", b"GIF8": "a picture",
    b"PGDMP": "a PostgreSQL custom dump", b"\x04\x22\x4d\x18": "an lz4 archive",
    b"\x02\x21\x4c\x18": "an lz4 archive", b"LZIP\x01": "an lzip archive", b"\x1f\x9d": "a file of compress",
    b"\x89LZO\0": "an lzop archive", b"MSCF\0\0\0\0": "a cabinet", b"!<arch>\n": "an ar archive",
    b"xar!\0": "an xar archive", b"MSWIM\0\0\0": "a disk image", b"QFI\xfb": "a disk image",
    b"\xff\x06\x00\x00sNaPpY": "a snappy archive", b"\x00\x01\x00\x00Standard Jet DB": "an Access database",
    b"\x00\x01\x00\x00Standard ACE DB": "an Access database", b"!BDN": "an Outlook store",
    b"Obj\x01": "an Avro file",
}  # fmt: skip
_ALGORITHMS_MAX = 27
"""Public-key algorithms of OpenPGP up to Ed448 (RFC 9580, 9.1)."""
_CIPHERS_MAX, _SPECIFIERS = 13, (0, 1, 3, 4)
_KEY_OF_KEY, _KEY_OF_PASSPHRASE = 1, 3
_NEW_LENGTHS, _OLD_LENGTHS = (192, 224, 255), (1, 2, 4)


def not_read(head: bytes) -> str | None:
    """Return what a file that begins with `head` is, where that is not read, and that it is not."""
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
    for signature, what in _ENCRYPTED.items():
        if start.startswith(signature):
            return f"encrypted ({what})"
    if _is_openpgp(head):
        return "encrypted (OpenPGP)"
    for signature, what in _NOT_READ.items():
        if head.startswith(signature):
            return f"{what}, which is not read"
    return None


def _is_openpgp(head: bytes) -> bool:
    """Return whether a message begins: a packet with a session key, encrypted by a key or a passphrase (RFC 9580)."""
    if len(head) < 16 or not head[0] & 0x80:
        return False
    if head[0] & 0x40:
        tag, first = head[0] & 0x3F, head[1]
        at = 2 if first < _NEW_LENGTHS[0] else 3 if first < _NEW_LENGTHS[1] else 6
    else:
        tag, kind = head[0] >> 2 & 0xF, head[0] & 3
        if kind > 2:
            return False
        at = 1 + _OLD_LENGTHS[kind]
    body = head[at : at + 12]
    if tag == _KEY_OF_KEY:
        return body[0] == 6 or (body[0] == 3 and 0 < body[9] <= _ALGORITHMS_MAX)
    if tag == _KEY_OF_PASSPHRASE:
        return body[0] in (5, 6) or (body[0] == 4 and 0 < body[1] <= _CIPHERS_MAX and body[2] in _SPECIFIERS)
    return False
