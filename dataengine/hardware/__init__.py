"""What this machine has and what is used of it.

Read `precision` first: which number format a fit multiplies in, by instruction set and by measurement. `memory` and
`control_groups`: what a container or a batch system leaves of memory and cores; `gpus`: CUDA devices. The processor and
its cores are `dataengine.machine`. Only `precision` imports torch with the module.
"""
