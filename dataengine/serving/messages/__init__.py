"""The messages of the service: `pose.proto`, and what protoc makes of it for Python.

Begin with `pose.proto`, which says at its top how to make `pose_pb2.py` and `pose_pb2.pyi` again (with grpcio-tools);
the two are not edited by hand. `service.py` next to this folder answers its calls.
"""
