"""Pose networks that were not fitted here: their ONNX file, and a contract that says how to feed and read it.

In reading order: `contract.py` (the two halves, `Feed` and `AnswerForm`, and the joint order), `opening.py` (a file
of unknown origin, checked before anything runs it), `feeding.py` (a picture to the network's input), `reading.py` with
`maps.py` and `lists.py` (the network's tensors to joints), `in_boxes.py` (people of a labelled set), `runner.py` (the
runner that the stages take), `folder.py` (an adopted network on disk: an export folder whose sidecar has a contract).

`dataengine adopt` finds the contract. Adding a way to answer: a value of `AnswerForm.kind`, what reads it in
`reading.py`, and its candidates in `train/outside/candidates.py`.
"""
