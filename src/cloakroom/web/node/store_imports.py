"""Load what the processes of a node that have the store share, once, before they are forked.

Nothing here may start a thread of its own, which a forked process would miss. So what leads to polars is left out,
and loaded by each process for itself; numpy's threads know how to be forked.
"""

from __future__ import annotations

import cloakroom.adapters.configuration_folder
import cloakroom.adapters.credentials
import cloakroom.adapters.openid
import cloakroom.adapters.passkeys
import cloakroom.adapters.postgres.facet_store
import cloakroom.adapters.postgres.import_store
import cloakroom.adapters.postgres.key_store
import cloakroom.adapters.postgres.ledger_store
import cloakroom.adapters.postgres.log_store
import cloakroom.adapters.postgres.notifications
import cloakroom.adapters.postgres.openings
import cloakroom.adapters.postgres.passkey_store
import cloakroom.adapters.postgres.release_run_store
import cloakroom.adapters.postgres.release_store
import cloakroom.adapters.postgres.service_store
import cloakroom.adapters.postgres.sign_in_store
import cloakroom.adapters.postgres.vault_store
import cloakroom.adapters.postgres.write_store
import cloakroom.adapters.root_key
import cloakroom.adapters.sealing_workers
import cloakroom.adapters.tile_files
import cloakroom.flows.records.find
import cloakroom.flows.records.write_record
import cloakroom.flows.releases.run
import cloakroom.flows.store.configuration
import cloakroom.gate.exposure
import cloakroom.ledger.verification
import cloakroom.web.api.decoding
import cloakroom.web.core.batcher
import cloakroom.web.handlers.failures
import cloakroom.web.node.process_setup  # noqa: F401 - loaded to be shared
