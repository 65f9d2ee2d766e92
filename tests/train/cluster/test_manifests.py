"""Manifests against the schemas of Kubernetes and KServe, and against each other."""

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.train.cluster.deploy import _Plain, run
from dataengine.train.cluster.manifests import MANIFESTS
from dataengine.train.cluster.params import DeployParams

OF_KUBERNETES = [name for name in MANIFESTS if name.startswith("kubernetes/")]
VERSION = "1.30"  # one that clusters run for a while still, where autoscaling/v2 is
BIG = DeployParams(name="pose-big", gpus=1, network="fp16", min_replicas=2, max_replicas=9, storage="pvc://disk")


def written(name: str, params: DeployParams = BIG) -> dict[str, Any]:
    """The file's content, as it is read back."""
    content: dict[str, Any] = yaml.safe_load(yaml.dump(MANIFESTS[name](params, "0123456789ab"), Dumper=_Plain))
    return content


def test_the_params_are_those_of_the_code(repository: Path) -> None:
    assert load_section(repository / "params.yaml", "deploy", DeployParams) == DeployParams()


@pytest.mark.parametrize("params", [DeployParams(), BIG], ids=["cpu", "gpu"])
@pytest.mark.parametrize("name", OF_KUBERNETES)
def test_kubernetes_takes_them(name: str, params: DeployParams) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    kubernetes_validate.validate(written(name, params), VERSION, strict=True)
    spoilt = written(name, params)
    spoilt["spec"]["replicass"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, VERSION, strict=True)


def test_the_parts_name_each_other() -> None:
    deployment, service, autoscaler = (written(name) for name in OF_KUBERNETES)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    target = autoscaler["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 9)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} <= ports
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    volumes = {volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


class KServeModels:
    """The models of KServe's Python client, read as text: its package asks for another protobuf than is installed."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("kserve")
        if found is None or not found.submodule_search_locations:
            pytest.skip("kserve, whose models are KServe's schema, is not installed")
        self._folder = Path(found.submodule_search_locations[0]) / "models"

    def tables(self, model: str) -> tuple[dict[str, str], dict[str, str]] | None:
        """(type, name in manifests) of each field of a model; None for one of Kubernetes'."""
        path = self._folder / (re.sub(r"(?<!^)(?=[A-Z])", "_", model).lower() + ".py")
        if not path.is_file():
            return None
        assigned = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assign)]
        named = {node.targets[0].id: node.value for node in assigned if isinstance(node.targets[0], ast.Name)}
        return ast.literal_eval(named["openapi_types"]), ast.literal_eval(named["attribute_map"])

    def check(self, model: str, value: Any, where: str) -> None:
        """Every key is a field of the model, and every plain value of its type."""
        plain = {"str": str, "int": int, "bool": bool}
        if model in plain:
            assert type(value) is plain[model], f"{where}: {value!r} is not {model}"
            return
        tables = self.tables(model)
        if tables is None:
            return
        types, names = tables
        fields = {shown: types[field] for field, shown in names.items()}
        assert set(value) <= set(fields), f"{where}: {set(value) - set(fields)}"
        for key, each in value.items():
            self.check(fields[key], each, f"{where}.{key}")


@pytest.mark.parametrize("params", [DeployParams(), BIG], ids=["cpu", "gpu"])
def test_kserve_takes_it(params: DeployParams) -> None:
    models = KServeModels()
    manifest = written("kserve/inference_service.yaml", params)
    models.check("V1beta1InferenceService", manifest, "InferenceService")
    manifest["spec"]["predictor"]["minReplica"] = 1
    with pytest.raises(AssertionError, match="minReplica"):
        models.check("V1beta1InferenceService", manifest, "InferenceService")
    manifest["spec"]["predictor"] = {"minReplicas": "1"}
    with pytest.raises(AssertionError, match="is not int"):
        models.check("V1beta1InferenceService", manifest, "InferenceService")


def test_foreign_files_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "triton").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"would be replaced: expected what deploy wrote, or nothing, got notes\.txt"):
        run(DeployParams(), tmp_path / "export", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "notes.txt").unlink()
    with pytest.raises(InputError, match="export"):  # the folder is fine, the export is missing
        run(DeployParams(), tmp_path / "export", tmp_path)
    with pytest.raises(InputError, match="a folder of its own"):
        run(DeployParams(), tmp_path / "export", Path("/"))
