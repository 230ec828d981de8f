"""Synthetic groups of brands with known truth, and strategies for property tests.

Nothing here is real: persons, brands and shops are invented, mail goes to reserved domains, telephone numbers have
their country's form and were drawn at random. The same seed gives the same bytes.

`strategies` is the only module that needs hypothesis; nothing else imports it.
"""
