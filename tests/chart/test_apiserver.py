"""The chart against a real API server: every object is accepted, and its permissions are what they say."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from chart.conftest import Object, Render, of_kind
from support.apiserver import ApiServer

BOT: Object = {
    "apiVersion": "tradefleet.dev/v1alpha1",
    "kind": "TradingBot",
    "metadata": {"name": "btc"},
    "spec": {"symbols": ["BTCUSDT"], "model": {"name": "demo-v1"}},
}


@pytest.fixture(scope="module")
def namespaces(apiserver_crds: ApiServer) -> tuple[str, str, str]:
    """(the release's, a watched one, one that is not watched)."""
    return apiserver_crds.namespace("system"), apiserver_crds.namespace("watched"), apiserver_crds.namespace("other")


@pytest.fixture(scope="module")
def installed(apiserver_crds: ApiServer, render: Render, namespaces: tuple[str, str, str]) -> list[Object]:
    system, watched, _ = namespaces
    objects = render({"watchNamespaces": [watched]}, namespace=system)
    apiserver_crds.apply(*objects)
    return objects


@pytest.mark.parametrize("release", ["tradefleet", "e2e"])
def test_every_object_is_accepted(
    apiserver_crds: ApiServer, render: Render, namespaces: tuple[str, str, str], release: str
) -> None:
    """Server-side, strictly: an unknown field or a CEL expression that does not compile is an error here."""
    system, watched, other = namespaces
    for values in ({}, {"watchNamespaces": [watched, other], "sim": {"speed": 10, "extraArgs": ["--x"]}}):
        text = yaml.safe_dump_all(render(values, release=release, namespace=system))
        said = apiserver_crds.kubectl(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text
        )
        assert f"{release if release == 'tradefleet' else 'e2e-tradefleet'}-operator serverside-applied" in said


def may(server: ApiServer, system: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether the operator's ServiceAccount may do this, by the API server's own authoriser."""
    group, _, rest = resource.rpartition(":")
    name, _, sub = rest.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": sub, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{system}:tradefleet-operator",
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{system}", "system:authenticated"],
            "resourceAttributes": attributes,
        },
    }
    code, answer = server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert code == http.client.CREATED, answer
    return bool(answer["status"]["allowed"])


@pytest.mark.usefixtures("installed")
class TestPermissions:
    def test_secrets_are_out_of_reach(self, apiserver_crds: ApiServer, namespaces: tuple[str, str, str]) -> None:
        for namespace in (*namespaces, "kube-system"):
            for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
                assert not may(apiserver_crds, namespaces[0], verb, "secrets", namespace)

    def test_what_it_watches(self, apiserver_crds: ApiServer, namespaces: tuple[str, str, str]) -> None:
        system, watched, other = namespaces
        needed = [
            ("watch", "tradefleet.dev:tradingbots"), ("patch", "tradefleet.dev:tradingbots/status"),
            ("patch", "tradefleet.dev:modelversions/status"), ("create", "apps:statefulsets"), ("create", "batch:jobs"),
            ("patch", "configmaps"), ("create", "services"), ("create", "serviceaccounts"), ("list", "pods"),
            ("create", "rbac.authorization.k8s.io:roles"), ("create", "events"),
        ]  # fmt: skip
        for verb, resource in needed:
            assert may(apiserver_crds, system, verb, resource, watched), (verb, resource)
            assert not may(apiserver_crds, system, verb, resource, other), (verb, resource)
        assert may(apiserver_crds, system, "patch", "coordination.k8s.io:leases", system)
        assert not may(apiserver_crds, system, "patch", "coordination.k8s.io:leases", watched)

    def test_it_never_writes_spec_by_other_means_than_metadata(
        self, apiserver_crds: ApiServer, namespaces: tuple[str, str, str]
    ) -> None:
        system, watched, _ = namespaces
        for verb in ("create", "update", "delete", "deletecollection"):
            assert not may(apiserver_crds, system, verb, "tradefleet.dev:tradingbots", watched)

    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            ({"apiGroups": ["tradefleet.dev"], "resources": ["tradingbots"], "resourceNames": ["btc"],
              "verbs": ["get", "list", "watch"]}, http.client.CREATED),
            ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}, http.client.FORBIDDEN),
            ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, http.client.FORBIDDEN),
        ],
        ids=["a bot's own TradingBot", "secrets", "everything"],
    )  # fmt: skip
    def test_the_roles_it_may_make(
        self, apiserver_crds: ApiServer, namespaces: tuple[str, str, str], rule: dict[str, Any], code: int
    ) -> None:
        """The API server's escalation check, as the operator meets it when it makes a bot's Role."""
        system, watched, _ = namespaces
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "btc-stable"},
            "rules": [rule],
        }
        answer = as_operator(apiserver_crds, system, role, f"namespaces/{watched}/roles")
        assert answer == code


def as_operator(server: ApiServer, system: str, body: Object, path: str) -> int:
    """POST (dry run) to the RBAC API, impersonating the operator."""
    address = urlsplit(server.url)
    assert address.hostname is not None
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=server.tls, timeout=30)
    headers = {
        "Authorization": f"Bearer {server.token}",
        "Content-Type": "application/json",
        "Impersonate-User": f"system:serviceaccount:{system}:tradefleet-operator",
    }
    connection.request("POST", f"/apis/rbac.authorization.k8s.io/v1/{path}?dryRun=All", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("value", ["Pause", "Cancel", "Flatten", "flatten", "Stop", ""])
def test_a_misspelt_kill_switch_is_refused(
    apiserver_crds: ApiServer, namespaces: tuple[str, str, str], value: str
) -> None:
    path = f"/apis/tradefleet.dev/v1alpha1/namespaces/{namespaces[1]}/tradingbots"
    bot = {**BOT, "metadata": {"name": "halted", "annotations": {"tradefleet.dev/halt": value}}}
    code, answer = accepted_once_active(apiserver_crds, path, bot)
    if value in {"Pause", "Cancel", "Flatten"}:
        assert code == http.client.CREATED, answer
    else:
        assert code == http.client.UNPROCESSABLE_ENTITY
        assert "must be Pause, Cancel or Flatten; to go on, remove it" in answer["message"]


def accepted_once_active(server: ApiServer, path: str, bot: Object) -> tuple[int, Any]:
    """The answer once the policy is in force; the API server does not announce it, but a value that it refuses does."""
    probe = {**BOT, "metadata": {"name": "probe", "annotations": {"tradefleet.dev/halt": "probe"}}}
    deadline = time.monotonic() + 30
    while server.request("POST", f"{path}?dryRun=All", probe)[0] == http.client.CREATED:
        assert time.monotonic() < deadline, "the admission policy never came into force"
        time.sleep(0.1)
    return server.request("POST", f"{path}?dryRun=All", bot)


def test_the_installed_objects_are_these(installed: list[Object]) -> None:
    assert len(of_kind(installed, "Deployment")) == 2
    assert len(of_kind(installed, "NetworkPolicy")) == 4
