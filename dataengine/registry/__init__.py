"""The registry of models: which model is champion, which were, and everything that happened on the way.

The commands `history` and `rollback` show and change it.

`records` is what the registry says and how that changes, `registry_file` the file, `store` the artefacts of its models,
`pinned` the champion that a round is compared with. A new outcome of a comparison is a word of `records.EventOutcome`;
one that makes a model champion belongs in `records.CHAMPION_OUTCOMES`, too.
"""
