"""Flows: orders of effects that must survive a crash in the middle, through the protocols in the modules of ports.

They lie in rooms by subject, as use cases and commands do. `opening` is the one door to plaintext,
`ledger.entry_writing` makes what it asks for, `admission` judges. A flow takes what it needs and says in its
docstring why a crash anywhere is harmless; `testing.simulators` has second implementations of ports, in memory, whose
effects fail one by one.
"""
