"""Answer those who sign in: their requests come with a key that nobody has enrolled yet."""

from __future__ import annotations

from cloakroom.errors import CloakroomError, ConflictError, DeniedError, StoreError, UnstorableError
from cloakroom.use_cases.people.sessions import SignInRefusedError
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.api.requests.elements import UnenrolledRequest
from cloakroom.web.api.unenrolled import UnenrolledCaller, key_of
from cloakroom.web.core.pending import PendingRequest
from cloakroom.web.core.rejections import RejectionCounts
from cloakroom.web.handlers.failures import failure
from cloakroom.web.handlers.table import UNENROLLED_HANDLERS
from cloakroom.wiring import Application

_AGAIN = {"busy": 5, "waiting": 5}


def answer_unenrolled(application: Application, rejections: RejectionCounts, pending: PendingRequest) -> Answer:
    """Answer an unenrolled request whose nonce is claimed, and count a rejection to be entered.

    Raises:
        StoreError: The store does not answer.
    """
    request, key = pending.request, key_of(pending.signature.key_id)
    if key is None or not isinstance(request, UnenrolledRequest):  # an enrolled credential that is gone
        rejections.add("bad-signature")
        return problem("bad-signature")
    try:
        return UNENROLLED_HANDLERS[type(request)](application, UnenrolledCaller(key, pending.address), request)
    except DeniedError as error:
        named = error.named if isinstance(error, SignInRefusedError) else ""
        rejections.add(error.code, named, operation=Operation.SIGN_IN)
        return _failure(error)
    except ConflictError as error:
        return failure(error)
    except UnstorableError as error:
        return failure(error)
    except StoreError:
        raise
    except CloakroomError as error:
        return failure(error)


def _failure(error: DeniedError) -> Answer:
    """Return the answer for a refused sign-in: that it was, not why."""
    if error.code in _AGAIN:
        return problem(error.code, retry_after_s=_AGAIN[error.code])
    return problem("replayed" if error.code == "replayed" else "sign-in")
