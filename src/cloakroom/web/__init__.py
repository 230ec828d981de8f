"""The service over HTTP: signed requests, gathered into batches, answered from the flows.

One request on its way through a node, under the name that it has in each room:

    network            bytes
      │
    front              HTTPRequest           read from a connection; PendingHTTPRequest until it is answered
      │                                      its signature is verified here
    protocol           ForwardedRequest      the frame between two processes; back comes a ForwardedAnswer
      │
    core               Request               decoded strictly (api); PendingRequest until it is answered
      │                                      its nonce is claimed and its credential read here, batch by batch
      ├─ flows         RevealRequest, FindRequest    many at once; each makes AdmissionRequests for the gatekeeper
      └─ handlers      Request, Caller               everything else, one by one
           │
         Answer        status, content, code of a problem: back the same way

Rooms, and what they import of each other, from the top:

    node               the processes: starting, watching, maintenance, roll-ups, jobs
    front | core       what a front process does; what the core does, the one with the store and its keys
    pages | handlers   the sign-in page; the work behind each request
    protocol | metrics | api
                       frames and bounds; counters; endpoints, typed requests and answers, problems, description

A front imports nothing that knows the store (ADR 11).
"""
