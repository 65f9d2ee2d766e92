"""Pose networks that were not fitted here: their ONNX file, and a contract that says how to feed and read it.

In reading order: `contract.py` (its halves `Feed` and `AnswerForm`, and the joint order), `opening.py` (an untrusted
file, checked before anything runs it), `feeding.py` (a picture to the network's input), `reading.py` with `maps.py` and
`lists.py` (the network's tensors to joints), `in_boxes.py` (people of a labelled set), `runner.py` (the runner that the
stages take), `folder.py` (an adopted network on disk: an export folder whose sidecar has a contract).

`dataengine adopt` finds the contract. Adding a way to answer: a value of `AnswerForm.kind`, what reads it in
`reading.py`, and where its shapes are recognised in `train/outside/forms.py`.
"""
