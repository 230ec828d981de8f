"""In-memory second implementations of the flows' ports, with faults that are set one by one.

A behaviour suite runs against each of them and against the real one beside it. What a flow promises after a crash is
then tried at every one of its effects in milliseconds (`memory_store.faults_of`).
"""
