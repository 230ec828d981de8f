"""Flows: orders of effects that must survive a crash in the middle, through the protocols in the modules of ports.

`opening` is the one door to plaintext, `entry_writing` makes what it asks for, `authorisation` and `admission` judge.
A flow takes what it needs and says in its docstring why a crash anywhere is harmless; `testing.simulators` has second
implementations of ports, in memory, whose effects fail one by one.
"""
