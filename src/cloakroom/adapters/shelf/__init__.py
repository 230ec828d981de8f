"""Documents of a case in a plain folder, with their hashes beside them."""

from cloakroom.adapters.shelf.folder import FolderShelf

__all__ = ["FolderShelf"]
