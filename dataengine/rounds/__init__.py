"""What was asked of people in each round, and what came of it.

`asked` is the record that `select` leaves of its picks, `answered` finds the answers to them in the label store,
`ledger` is the command that lists both, and `whole` is the record of a round that ended. A further fact about a choice
belongs in the manifest of `select`: its header and its entries are taken over as they are.
"""
