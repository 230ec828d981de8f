"""Releases run into a file, at the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cloakroom.adapters.release_files import write_release_file
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.releases.run import FinishedRelease, Progress
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.releases.assembly import release_runs
from cloakroom.wiring import Application


def run_release(
    application: Application,
    who: Caller,
    name: str,
    target: Path,
    *,
    canary_domain: str,
    progress: Progress | None = None,
) -> FinishedRelease:
    """Run an approved release into a file, or take one up again that was interrupted.

    Args:
        application: The opened store.
        who: Who asked for it.
        name: Its id.
        target: Where the encrypted file goes.
        canary_domain: Domain whose mail the group receives, for the addresses of the canaries.
        progress: Is told (rows done, rows in all).

    Raises:
        DeniedError: It is not approved, has expired, was run, or holds more records than it may.
    """

    def write(content: ReleaseContent, rows: Iterator[Mapping[str, str]]) -> str:
        return write_release_file(target, content.recipient_key, content.form, sorted(content.fields), rows)

    return release_runs(application).run_release(who, name, write, canary_domain=canary_domain, progress=progress)
