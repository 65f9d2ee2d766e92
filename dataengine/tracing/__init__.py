"""Where a picture came from and what became of it: all that the files of a project say, read and joined, nothing kept.

`tables` reads the sets that stages write, `catalogue` lists every picture that is known, `finding` takes what a user
typed for one of them. The rest answers one question each: `origin`, `membership` (split, left out, evaluation),
`training` (balance, mix, pseudo-labels), `asking` (rounds and answers), `learning` (models). `trace_sample` is the
command `trace`.

Adding a question: a function from `FoundSample` to `Section`, and a line in `trace_sample.QUESTIONS`.
"""
