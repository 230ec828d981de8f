"""The handler of each request that is not answered in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloakroom.flows.admission.authorisation import Caller
from cloakroom.web.api.problems import Answer
from cloakroom.web.api.requests import ledger as ledger_requests
from cloakroom.web.api.requests import people as people_requests
from cloakroom.web.api.requests import records as record_requests
from cloakroom.web.api.requests import releases as release_requests
from cloakroom.web.api.requests import sign_in as sign_in_requests
from cloakroom.web.api.requests.elements import Request, UnenrolledRequest
from cloakroom.web.api.unenrolled import UnenrolledCaller
from cloakroom.web.handlers import ledger, people, records, releases, sign_in
from cloakroom.wiring import Application

Handler = Callable[[Application, Caller, Any], Answer]
"""Decides by the policy, does the work, and returns the answer; raises what `failures` has an answer for."""

UnenrolledHandler = Callable[[Application, UnenrolledCaller, Any], Answer]

HANDLERS: Mapping[type[Request], Handler] = {
    ledger_requests.ProveEntry: ledger.prove_entry,
    ledger_requests.ReadCheckpoint: ledger.read_checkpoint,
    ledger_requests.ReadTile: ledger.read_tile,
    ledger_requests.ReportAccess: ledger.show_access,
    people_requests.ApprovePasskey: people.approve_passkey,
    people_requests.Freeze: people.freeze,
    people_requests.ListPasskeys: people.list_passkeys,
    people_requests.ListSessions: people.list_sessions,
    people_requests.RevokePasskey: people.revoke_passkey,
    people_requests.RevokeSessions: people.revoke_sessions,
    people_requests.ShowExposure: people.show_exposure,
    people_requests.ShowSession: people.show_session,
    record_requests.DeleteRecord: records.delete,
    record_requests.Exchange: records.exchange_tokens,
    record_requests.WriteRecord: records.write,
    release_requests.ApproveRelease: releases.approve_release,
    release_requests.ListReleases: releases.list_releases,
    release_requests.ReadReleasePart: releases.read_release_part,
    release_requests.RequestRelease: releases.request_release,
    release_requests.RunRelease: releases.run_release,
    release_requests.ShowRelease: releases.show_release,
    release_requests.ShowReleaseRun: releases.show_release_run,
}
"""By the type of a request of an enrolled credential; reveals and searches are answered by the core itself."""

UNENROLLED_HANDLERS: Mapping[type[UnenrolledRequest], UnenrolledHandler] = {
    sign_in_requests.BeginEnrolment: sign_in.begin_enrolling,
    sign_in_requests.BeginOpenID: sign_in.begin_openid,
    sign_in_requests.BeginPasskey: sign_in.begin_passkey,
    sign_in_requests.CollectOpenID: sign_in.collect_openid,
    sign_in_requests.FinishEnrolment: sign_in.finish_enrolling,
    sign_in_requests.FinishOpenID: sign_in.finish_openid,
    sign_in_requests.FinishPasskey: sign_in.finish_passkey,
    sign_in_requests.ShowSignIn: sign_in.show_sign_in,
}
"""By the type of a request with a key that is not enrolled."""
