"""What was asked of people in each round, and what came of it.

`asked` is the record that `select` leaves of its picks, `answered` finds the answers to them in the label store, and
`ledger` is the command that lists both. A further fact about a choice belongs in the manifest of `select`: its header
and its entries are taken over as they are.
"""
