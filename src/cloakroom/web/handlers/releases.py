"""Releases: asked for, approved, shown, run, and their files given out."""

from __future__ import annotations

import msgspec

from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.releases.ports import StoredRelease
from cloakroom.gate.releases import ReleaseContent
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases.background_runs import ask_for_run, read_part
from cloakroom.use_cases.releases.requests import check_receiver, release_document
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests import releases as requests
from cloakroom.wiring import Application

_encode = msgspec.json.Encoder().encode


def request_release(application: Application, caller: Caller, request: requests.RequestRelease) -> Answer:
    """Ask for a release."""
    kind = application.configuration.policy.releases.get(request.kind)
    content = ReleaseContent(
        kind=request.kind,
        brand=request.brand,
        fields=tuple(sorted(set(request.fields))),
        facets=request.facets,
        recipient=request.recipient,
        recipient_key=request.recipient_key,
        form=request.format,
        maximum=request.maximum or (kind.max_records if kind is not None else 1),
        reference=request.reference or "",
    )
    found = release_requests.request_release(application, caller, content)
    return Answer(200, _encode(_shown(application, found)))


def approve_release(application: Application, caller: Caller, request: requests.ApproveRelease) -> Answer:
    """Approve a release."""
    release_requests.visible_release(application.releases, application.configuration.policy, caller, request.id)
    found = release_requests.approve_release(application, caller, request.id, request.digest)
    return Answer(200, _encode(_shown(application, found)))


def show_release(application: Application, caller: Caller, request: requests.ShowRelease) -> Answer:
    """Show a release."""
    found = release_requests.visible_release(
        application.releases, application.configuration.policy, caller, request.id
    )
    return Answer(200, _encode(_shown(application, found)))


def list_releases(application: Application, caller: Caller, __: requests.ListReleases) -> Answer:
    """List releases."""
    found = release_requests.visible_releases(application.releases, application.configuration.policy, caller)
    return Answer(200, _encode(requests.ReleaseList([_shown(application, item) for item in found])))


def _shown(application: Application, found: StoredRelease) -> requests.ReleaseDocument:
    return msgspec.convert(release_document(found, application.configuration.policy), requests.ReleaseDocument)


def run_release(application: Application, caller: Caller, request: requests.RunRelease) -> Answer:
    """Have a release run by a node."""
    ask_for_run(application, caller, request.id)
    return _progress(application, caller, request.id)


def show_release_run(application: Application, caller: Caller, request: requests.ShowReleaseRun) -> Answer:
    """Show how far a run is."""
    return _progress(application, caller, request.id)


def read_release_part(application: Application, caller: Caller, request: requests.ReadReleasePart) -> Answer:
    """Give a part of a finished file out."""
    data = read_part(application, caller, request.id, request.part)
    return Answer(200, data, b"application/octet-stream")


def _progress(application: Application, caller: Caller, name: str) -> Answer:
    found = check_receiver(application, caller, name)
    done = application.release_runs.get(name)
    if done is None:
        return problem("not-found")
    document = requests.ReleaseProgress(
        id=name,
        state=str(done.state),
        failure=done.failure,
        records=len(found.records) if found.records is not None else 0,
        rows_done=found.rows_done,
        parts=done.parts,
        bytes=done.size,
        file_sha256=found.file_sha256 if done.parts else None,
    )
    return Answer(200, _encode(document))
