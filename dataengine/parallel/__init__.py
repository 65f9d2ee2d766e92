"""One map for all work that comes in items: in processes of this machine, or on a Ray cluster, with the same results.

In reading order: `parallel_map.py` (what callers use: order, retries, progress), `crews.py` (what a crew of
workers must do), `local_crew.py` (spawned processes), `ray_crew.py` (tasks on a cluster, with `ray_connection.py`,
which opens one), `worker.py` (what a worker does with an item, wherever it runs), `alike.py` (what two machines must
share for equal results). A run that resumes keeps its results itself, in the callback `each`.

Using it for new work: a function at the top of a module, picklable items, and nothing that depends on how many items a
worker has had. What reads files names them relative to the working folder, which every node of a cluster must see. A
function whose result depends on the number of threads gets `threads` from its caller.

Adding a kind of workers: a class with the methods of `crews.Crew`, and a branch in `parallel_map.crew_for`.
"""
