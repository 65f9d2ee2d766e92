#!/usr/bin/env bash
# label-studio-sdk 2.0.13: `LabelInterface.validate_task` fails on every task that has annotations or predictions.
#
# Expected: true or false, as its docstring says: whether the task's data, annotations and predictions fit the config.
# Seen: TypeError: validate_annotation() missing 1 required positional argument; a task of data alone is judged.
# Why it matters: whoever checks tasks before an import has to call `validate_task({"data": ...})`, and
#   `validate_prediction(each, return_errors=True)` for each of the predictions.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check label-studio-sdk==2.0.13

"$work/venv/bin/python" - <<'PY'
from label_studio_sdk.label_interface import LabelInterface

config = '<View><Image name="i" value="$i"/><Choices name="c" toName="i"><Choice value="a"/></Choices></View>'
region = {"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": ["a"]}}
interface = LabelInterface(config)
data = {"data": {"i": "a.jpg"}}
answer = {"result": [region]}
print("data alone:", interface.validate_task(data), "- the annotation alone:", interface.validate_annotation(answer))
for kind in ("annotations", "predictions"):
    try:
        print(kind, interface.validate_task(data | {kind: [answer]}))
    except TypeError as error:
        print(f"seen: with {kind}: TypeError: {error}")
PY
