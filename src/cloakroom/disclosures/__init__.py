"""The one form in which every part speaks of what was disclosed.

It lies below the domain packages, which do not see each other: the ledger's reader, `claims` and whatever reads a
vendor's logs make disclosures, `scoping` and `flows.incident` unite them, and none of these knows another.
"""
