"""The Kubernetes manifests as `kustomize build` makes them, as far as infra/k8s uses it; anything else is refused.

So that a clean checkout needs no kustomize; where there is one, tests/unit/k8s compares the two.
"""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.yaml_text import all_documents, one_document

Manifest = dict[str, Any]
"""One Kubernetes object."""

K8S = Path(__file__).parents[2] / "infra" / "k8s"
UNDERSTOOD = {
    *("apiVersion", "kind", "namespace", "resources", "configMapGenerator", "generatorOptions"),
    *("images", "replicas", "patches"),
}
# Lists of Kubernetes' own kinds that a patch is merged into by what their elements are called; others it replaces.
MERGED_BY = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
}
EVERYWHERE = {"Namespace", "ClusterSecretStore"}  # kinds that are in no namespace


def build(folder: Path) -> list[Manifest]:
    """Every object of the kustomization in `folder`."""
    kustomization = one_document((folder / "kustomization.yaml").read_text())
    strange = set(kustomization) - UNDERSTOOD
    assert not strange, f"{folder}: this reader does not know {strange}"
    found = (
        [each for entry in kustomization["resources"] for each in _resource(folder / entry)]
        if ("resources" in kustomization)
        else []
    )
    found += [_config_map(folder, each) for each in kustomization.get("configMapGenerator", ())]
    if "configMapGenerator" in kustomization:
        assert kustomization["generatorOptions"] == {"disableNameSuffixHash": True}
    for patch in kustomization.get("patches", ()):
        assert set(patch) == {"patch"}, "only merges, no JSON patches"
        change = one_document(patch["patch"])
        target = one(found, change["kind"], change["metadata"]["name"])
        target.update(_merged(target, change))
    for count in kustomization.get("replicas", ()):
        scaled = [
            m for m in found if m["metadata"]["name"] == count["name"] and "replicas" in m.get("spec", {})
        ]
        assert scaled, f"nothing called {count['name']} can be scaled"
        for each in scaled:
            each["spec"]["replicas"] = count["count"]
    for image in kustomization.get("images", ()):
        used = [c for m in found for c in containers(m) if c["image"].rpartition(":")[0] == image["name"]]
        assert used, f"nothing uses the image {image['name']}"
        for container in used:
            container["image"] = f"{image['newName']}:{image['newTag']}"
    if "namespace" in kustomization:
        for each in found:
            if each["kind"] not in EVERYWHERE:
                each["metadata"]["namespace"] = kustomization["namespace"]
    return found


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The object of that kind and name."""
    (found,) = (m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name)
    return found


def pod(manifest: Manifest) -> Manifest | None:
    """The template of the pods that an object makes, if it makes any."""
    template: Manifest | None = manifest.get("spec", {}).get("template")
    return template if template and "containers" in template.get("spec", {}) else None


def containers(manifest: Manifest) -> list[Manifest]:
    """All containers of the pods that an object makes, the initial ones first."""
    template = pod(manifest)
    return [*template["spec"].get("initContainers", ()), *template["spec"]["containers"]] if template else []


def _resource(path: Path) -> Iterator[Manifest]:
    if path.is_dir():
        yield from build(path)
        return
    for each in all_documents(path.read_text()):
        yield copy.deepcopy(each)  # what YAML's anchors share is shared no longer


def _config_map(folder: Path, generator: Mapping[str, Any]) -> Manifest:
    assert set(generator) == {"name", "files"}
    data = {name: (folder / name).read_text() for name in generator["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}


def _merged(old: Any, new: Any, field: str = "") -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(old.get(key), value, key) for key, value in new.items()}
    if isinstance(old, list) and field in MERGED_BY:
        called = MERGED_BY[field]
        before = {each[called]: each for each in old}
        changed = {each[called]: _merged(before.get(each[called]), each) for each in new}
        return [*changed.values(), *(each for name, each in before.items() if name not in changed)]
    return new
