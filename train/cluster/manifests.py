"""Manifests for Kubernetes and KServe: Triton with the repository, and more of it where the load grows.

Plain Kubernetes: a Deployment, a Service and a HorizontalPodAutoscaler (by the load of the CPUs). KServe: one
InferenceService, scaled by the requests at once in a replica. Both read the repository from a volume, read-only.
"""

from collections.abc import Callable
from typing import Any

from .params import DeployParams

Manifest = dict[str, Any]
MOUNT, USER = "/models", 1000  # triton-server, in Triton's image
HTTP, GRPC, METRICS = 8000, 8001, 8002  # Triton's ports


def deployment(params: DeployParams, model_id: str) -> Manifest:
    """Pods that run Triton, ready once all models are."""
    claim, path = _claim(params)
    container = {
        "name": "triton",
        "image": params.image,
        "args": ["tritonserver", f"--model-repository={MOUNT}", "--exit-on-error=true"],
        "ports": [{"name": n, "containerPort": port} for n, port in _ports().items()],
        "resources": _resources(params),
        "startupProbe": {**_probe("/v2/health/ready"), "failureThreshold": 60},
        "readinessProbe": _probe("/v2/health/ready"),
        "livenessProbe": _probe("/v2/health/live"),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "models", "mountPath": MOUNT, "subPath": path, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108  a folder of the container
        ],
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "models", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}},
            {"name": "scratch", "emptyDir": {}},
        ],
    }
    labels = _labels(params)
    annotations = {"dataengine/model": model_id}  # another model is another pod
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": params.name, "labels": labels},
        "spec": {
            "replicas": params.min_replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }


def service(params: DeployParams, model_id: str) -> Manifest:
    """One address for all pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": params.name, "labels": _labels(params)},
        "spec": {
            "selector": _labels(params),
            "ports": [{"name": name, "port": port, "targetPort": name} for name, port in _ports().items()],
        },
    }


def autoscaler(params: DeployParams, model_id: str) -> Manifest:
    """More pods where their CPUs are busy, fewer only after five quiet minutes."""
    load = {"type": "Utilization", "averageUtilization": params.target_cpu_percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": params.name, "labels": _labels(params)},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": params.name},
            "minReplicas": params.min_replicas,
            "maxReplicas": params.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": load}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }


def inference_service(params: DeployParams, model_id: str) -> Manifest:
    """The same by KServe, which brings Triton itself."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": params.name, "annotations": {"dataengine/model": model_id}},
        "spec": {
            "predictor": {
                "minReplicas": params.min_replicas,
                "maxReplicas": params.max_replicas,
                "scaleMetric": "concurrency",
                "scaleTarget": params.target_concurrency,
                "model": {
                    "modelFormat": {"name": "triton"},
                    "protocolVersion": "v2",
                    "storageUri": params.storage,
                    "resources": _resources(params),
                },
            }
        },
    }


MANIFESTS: dict[str, Callable[[DeployParams, str], Manifest]] = {
    "kubernetes/deployment.yaml": deployment,
    "kubernetes/service.yaml": service,
    "kubernetes/autoscaler.yaml": autoscaler,
    "kserve/inference_service.yaml": inference_service,
}
"""File -> what is in it, of params and the model's id."""


def _labels(params: DeployParams) -> dict[str, str]:
    return {"app.kubernetes.io/name": params.name}


def _ports() -> dict[str, int]:
    return {"http": HTTP, "grpc": GRPC, "metrics": METRICS}


def _claim(params: DeployParams) -> tuple[str, str]:
    claim, _, path = params.storage.removeprefix("pvc://").partition("/")
    return claim, path


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 5}


def _resources(params: DeployParams) -> dict[str, Any]:
    gpus = {"nvidia.com/gpu": str(params.gpus)} if params.gpus else {}
    own = {"cpu": str(params.cpus), "memory": params.memory, **gpus}
    return {"requests": own, "limits": own.copy()}
