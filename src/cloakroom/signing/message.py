"""The signature base of a request (RFC 9421, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

COVERED = ("@method", "@authority", "@path", "@query")
COVERED_WITH_BODY = (*COVERED, "content-digest")


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of an HTTP request that a signature covers.

    Attributes:
        method: Upper case.
        authority: Host as the client addressed it, lower case, without the default port.
        path: Absolute path as it goes over the wire, percent-encoded.
        query: Query as it goes over the wire with its question mark; ``?`` where there is none.
        digest: Value of Content-Digest; None for a request without a body.
    """

    method: str
    authority: str
    path: str
    query: str = field(default="?", repr=False)
    digest: str | None = None

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components that a signature of this request covers, in their order."""
        return COVERED if self.digest is None else COVERED_WITH_BODY

    def base(self, parameters: str) -> bytes:
        """Return the signature base (RFC 9421, section 2.5).

        Args:
            parameters: The signature parameters as serialised in Signature-Input.
        """
        body = "" if self.digest is None else f'"content-digest": {self.digest}\n'
        return (
            f'"@method": {self.method}\n"@authority": {self.authority}\n"@path": {self.path}\n'
            f'"@query": {self.query}\n{body}"@signature-params": {parameters}'
        ).encode("latin-1", "backslashreplace")
