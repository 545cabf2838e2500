"""The fast tier is a real API server: it authenticates, authorises, admits by policy and defaults, and it ends."""

import json
import os
import subprocess
import time
from dataclasses import replace
from http.client import CREATED, FORBIDDEN, NOT_FOUND, OK, UNAUTHORIZED
from pathlib import Path

import pytest
from support.apiserver import ApiServer, await_ready, running


def test_it_serves_the_administrator_and_nobody_else(apiserver: ApiServer) -> None:
    assert apiserver.request("GET", "/api/v1/namespaces")[0] == OK
    assert replace(apiserver, token="someone").request("GET", "/api/v1/namespaces")[0] == UNAUTHORIZED


def test_rbac_binds_service_accounts(apiserver: ApiServer) -> None:
    namespace = apiserver.namespace()
    apiserver.kubectl("-n", namespace, "create", "serviceaccount", "reader")
    token = apiserver.kubectl("-n", namespace, "create", "token", "reader").strip()
    reader, path = replace(apiserver, token=token), f"/api/v1/namespaces/{namespace}/configmaps"
    assert reader.request("GET", path)[0] == FORBIDDEN
    apiserver.kubectl("-n", namespace, "create", "role", "read", "--verb=list", "--resource=configmaps")
    apiserver.kubectl(
        "-n", namespace, "create", "rolebinding", "read", "--role=read", f"--serviceaccount={namespace}:reader"
    )
    assert reader.request("GET", path)[0] == OK
    assert reader.request("POST", path, {"metadata": {"name": "x"}})[0] == FORBIDDEN


def test_namespaces_are_fresh(apiserver: ApiServer) -> None:
    assert apiserver.namespace() != apiserver.namespace()


def test_the_garbage_collector_follows_owners(apiserver_with_controllers: ApiServer) -> None:
    server = apiserver_with_controllers
    path = f"/api/v1/namespaces/{server.namespace()}/configmaps"
    status, owner = server.request("POST", path, {"metadata": {"name": "owner"}})
    assert status == CREATED
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = {"metadata": {"name": "owned", "ownerReferences": [reference]}}
    assert server.request("POST", path, owned)[0] == CREATED
    assert server.request("DELETE", f"{path}/owner")[0] == OK
    server.kubectl("-n", path.split("/")[4], "wait", "--for=delete", "configmap/owned", "--timeout=60s")
    assert server.request("GET", f"{path}/owned")[0] == NOT_FOUND


def test_admission_policies_are_evaluated(apiserver: ApiServer) -> None:
    name = apiserver.namespace("policy")
    group = "admissionregistration.k8s.io/v1"
    selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    policy = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
                ]
            },
            "validations": [{"expression": "object.metadata.name != 'bad'", "message": "pick another name"}],
        },
    }
    binding = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector}},
    }
    apiserver.apply(policy, binding)
    path, bad = f"/api/v1/namespaces/{name}/configmaps?dryRun=All", {"metadata": {"name": "bad"}}
    deadline = time.monotonic() + 30
    status, answer = apiserver.request("POST", path, bad)
    while status == CREATED and time.monotonic() < deadline:  # a policy takes effect a moment after it is stored
        time.sleep(0.1)
        status, answer = apiserver.request("POST", path, bad)
    assert "pick another name" in answer["message"]


def test_the_kubeconfig_is_private(apiserver: ApiServer) -> None:
    assert apiserver.kubeconfig.stat().st_mode & 0o077 == 0


def test_a_server_ends_with_its_block(tmp_path: Path) -> None:
    with running(["sleep", "60"], tmp_path / "log") as process:
        assert process.poll() is None
    assert process.returncode is not None


def test_a_server_that_cannot_start_is_an_error_with_its_last_words(apiserver: ApiServer, tmp_path: Path) -> None:
    log, nobody = tmp_path / "log", replace(apiserver, url="https://127.0.0.1:1")
    with running(["sh", "-c", "echo no room left"], log) as process, pytest.raises(RuntimeError, match="no room left"):
        await_ready(nobody, process, log)


def test_kubectl_says_why_it_failed(apiserver: ApiServer) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        apiserver.kubectl("get", "nothing-of-the-kind")
    assert "nothing-of-the-kind" in "".join(failure.value.__notes__)
    assert json.loads(apiserver.kubectl("version", "-o", "json"))["serverVersion"]["major"] == "1"
    assert apiserver.environment["PATH"].endswith(os.environ["PATH"])
