"""Deliveries: files of the brands' customer systems, read into batches of clean, typed rows.

    delivery = open_delivery(path, configuration.mappings["balmere"], configuration.group)
    for batch in delivery.batches(skip_rows=rows_already_taken):
        ...

Opening checks what concerns the whole file (form, encoding, columns) and raises; reading refuses row by row, and
`RowBatch.rejected` says which and why, never repeating a value. Memory stays flat whatever the size of the file.
"""

from cloakroom.adapters.deliveries.batches import Limits, Rejection, RowBatch
from cloakroom.adapters.deliveries.delivery import Delivery, open_delivery

__all__ = ["Delivery", "Limits", "Rejection", "RowBatch", "open_delivery"]
