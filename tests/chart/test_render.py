"""What the chart renders: names, hardening, permissions, the contract's environment; and which values it refuses."""

import argparse
import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart.conftest import CHART, IMAGES, Object, Render, merged, of_kind, one, run_helm
from support.kube import ROOT

from tradefleet_api.names import LABEL_BOT
from tradefleet_console.cli import load
from tradefleet_operator import rbac
from tradefleet_operator.manifests import job
from tradefleet_operator.names import LABEL_COMPONENT

VARIANTS: dict[str, Object] = {
    "defaults": {},
    "two namespaces": {"watchNamespaces": ["alpha", "beta"]},
    "without simulator": {"sim": {"enabled": False}},
    "without policies": {"networkPolicy": {"enabled": False}, "admissionPolicy": {"enabled": False}},
    "everything said": {
        "watchNamespaces": ["alpha"],
        "operator": {"replicas": 2, "nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]},
        "sim": {"extraArgs": ["--recording", "/r/x.gz"], "affinity": {"nodeAffinity": {}}},
        "imagePullSecrets": [{"name": "pull"}],
        "networkPolicy": {"clientsFrom": [{"namespaceSelector": {"matchLabels": {"x": "monitoring"}}}]},
    },
}
every_variant = pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS.keys())


@every_variant
def test_every_pod_is_hardened(render: Render, values: Object) -> None:
    workloads = of_kind(render(values), "Deployment")
    assert workloads
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"], security["fsGroup"]) == (True, 10001, 10001)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@every_variant
def test_selectors_select_their_own_pods_only(render: Render, values: Object) -> None:
    objects = render(values)
    pods = {w["metadata"]["name"]: w["spec"]["template"]["metadata"]["labels"] for w in of_kind(objects, "Deployment")}
    for deployment in of_kind(objects, "Deployment"):
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert [n for n, labels in pods.items() if selector.items() <= labels.items()] == [
            deployment["metadata"]["name"]
        ]
    for service in of_kind(objects, "Service"):
        selected = [n for n, labels in pods.items() if service["spec"]["selector"].items() <= labels.items()]
        assert len(selected) == 1
        ports = {
            p["name"]
            for p in one(objects, "Deployment", selected[0])["spec"]["template"]["spec"]["containers"][0]["ports"]
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def rules(objects: list[Object]) -> list[tuple[str, str, str]]:
    """(API group, resource, verb) of every permission that the chart gives to anybody."""
    return [
        (group, resource, verb)
        for role in of_kind(objects, "Role", "ClusterRole")
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


@every_variant
def test_no_secrets_no_wildcards_no_escalation(render: Render, values: Object) -> None:
    given = rules(render(values))
    assert given
    for group, resource, verb in given:
        assert "*" not in {group, resource, verb}
        assert resource.split("/")[0] != "secrets"
        assert resource not in {"pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"}
        assert verb not in {"escalate", "bind", "impersonate"}
    spec_writers = [verb for _, resource, verb in given if resource in {"tradingbots", "modelversions"}]
    assert not {"create", "update", "delete", "deletecollection"} & set(spec_writers)


def test_permissions_are_bound_where_it_watches_and_nowhere_else(render: Render) -> None:
    objects = render({"watchNamespaces": ["alpha", "beta"]}, namespace="system")
    assert of_kind(objects, "ClusterRole", "ClusterRoleBinding") == []
    roles = [(r["metadata"]["namespace"], r["metadata"]["name"]) for r in of_kind(objects, "Role")]
    assert sorted(roles) == [
        ("alpha", "tradefleet-operator"), ("beta", "tradefleet-operator"), ("system", "tradefleet-operator-election"),
    ]  # fmt: skip
    assert [r["resources"] for r in one(objects, "Role", "tradefleet-operator-election")["rules"]] == [["leases"]]
    for binding in of_kind(objects, "RoleBinding"):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "tradefleet-operator", "namespace": "system"}]
        assert binding["roleRef"]["name"] == binding["metadata"]["name"]
    everywhere = render()
    assert len(of_kind(everywhere, "ClusterRole")) == len(of_kind(everywhere, "ClusterRoleBinding")) == 1


def test_the_operator_may_do_what_it_says_it_needs_and_nothing_else(render: Render) -> None:
    def wanted(said: tuple[rbac.Rule, ...]) -> list[tuple[str, str, str]]:
        return sorted((group, resource, verb) for group, resource, verbs in said for verb in verbs)

    objects = render({"watchNamespaces": ["alpha"]}, namespace="system")
    watched = [o for o in objects if o["metadata"].get("namespace") == "alpha"]
    own = [o for o in objects if o["metadata"].get("namespace") == "system"]
    assert sorted(rules(watched)) == wanted(rbac.WATCHED)
    assert sorted(rules(own)) == wanted(rbac.OWN)
    everywhere = of_kind(render(), "ClusterRole")
    assert sorted(rules(everywhere)) == wanted(rbac.WATCHED)


def environment(objects: list[Object], name: str) -> dict[str, Any]:
    (container,) = one(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


def test_the_operator_gets_the_contract_s_environment(render: Render) -> None:
    seen = environment(render({"watchNamespaces": ["a", "b"]}, namespace="ns"), "tradefleet-operator")
    assert seen == {
        "TRADEFLEET_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "TRADEFLEET_POD": {"fieldRef": {"fieldPath": "metadata.name"}},
        "TRADEFLEET_LEASE": "tradefleet-operator",
        "TRADEFLEET_BOT_IMAGE": "r/bot:1",
        "TRADEFLEET_WATCH_NAMESPACES": "a,b",
        "TRADEFLEET_SIM_REST": "http://tradefleet-sim.ns.svc:9010",
        "TRADEFLEET_SIM_STREAM": "ws://tradefleet-sim.ns.svc:9010",
    }
    without = environment(render({"sim": {"enabled": False}}), "tradefleet-operator")
    assert not {"TRADEFLEET_SIM_REST", "TRADEFLEET_SIM_STREAM"} & set(without)
    assert without["TRADEFLEET_WATCH_NAMESPACES"] == ""


def test_another_release_is_named_apart(render: Render) -> None:
    objects = render({}, release="e2e", namespace="other")
    assert {o["metadata"]["name"] for o in of_kind(objects, "Deployment")} == {
        "e2e-tradefleet-operator",
        "e2e-tradefleet-sim",
    }
    assert (
        environment(objects, "e2e-tradefleet-operator")["TRADEFLEET_SIM_REST"]
        == "http://e2e-tradefleet-sim.other.svc:9010"
    )
    ours = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in render()}
    assert not ours & {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects}


def test_longest_release_name_still_fits(render: Render) -> None:
    for release in ("a" * 53, "tradefleet" + "b" * 43):
        for o in render({}, release=release):
            assert len(o["metadata"]["name"]) <= 63


def test_simulator_arguments(render: Render) -> None:
    values = {
        "sim": {
            "seed": 12345678,
            "speed": 2.5,
            "extraArgs": ["--recording", "/recording/recording.gz"],
            "extraVolumes": [{"name": "recording", "hostPath": {"path": "/x", "type": "Directory"}}],
            "extraVolumeMounts": [{"name": "recording", "mountPath": "/recording", "readOnly": True}],
        }
    }
    pod = one(render(values), "Deployment", "tradefleet-sim")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == [
        "sim", "serve", "--host=0.0.0.0", "--port=9010", "--seed=12345678", "--speed=2.5",
        "--state=/state/accounts.db",
        "--recording", "/recording/recording.gz",
    ]  # fmt: skip
    assert [v["name"] for v in pod["volumes"]] == ["tmp", "state", "recording"]
    assert [m["name"] for m in container["volumeMounts"]] == ["tmp", "state", "recording"]
    assert pod["automountServiceAccountToken"] is False


def test_the_command_line_knows_the_arguments_of_every_pod(render: Render) -> None:
    for deployment in of_kind(render({"sim": {"speed": 10}}), "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        group = container["args"][0]
        parser = argparse.ArgumentParser()
        load(group).add_commands(parser.add_subparsers())
        assert callable(parser.parse_args(container["args"]).run)


def policies(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(p["metadata"]["namespace"], p["metadata"]["name"]): p["spec"] for p in of_kind(objects, "NetworkPolicy")}


def ports(rule_list: list[Object]) -> set[int]:
    return {port["port"] for rule in rule_list for port in rule["ports"]}


def test_network_policies_open_what_the_pods_use(render: Render) -> None:
    found = policies(render({"watchNamespaces": ["alpha"]}, namespace="system"))
    assert set(found) == {
        ("system", "tradefleet-operator"), ("system", "tradefleet-sim"), ("alpha", "tradefleet-bots"),
        ("alpha", "tradefleet-verify"),
    }  # fmt: skip
    for spec in found.values():
        assert spec["policyTypes"] == ["Ingress", "Egress"]
    operator, sim = found["system", "tradefleet-operator"], found["system", "tradefleet-sim"]
    bots, verify = found["alpha", "tradefleet-bots"], found["alpha", "tradefleet-verify"]
    assert (operator["ingress"], ports(operator["egress"])) == ([], {53, 443, 6443, 8080})
    assert (ports(sim["ingress"]), sim["egress"]) == ({9010}, [])
    assert (ports(bots["ingress"]), ports(bots["egress"])) == ({8080}, {53, 443, 6443, 9010})
    assert (verify["ingress"], ports(verify["egress"])) == ([], {53, 443})
    (from_operator,) = bots["ingress"]
    assert from_operator["from"][0]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "system"}}


def test_clients_are_let_in_where_named(render: Render) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    found = policies(render({"watchNamespaces": ["alpha"], "networkPolicy": {"clientsFrom": [peer]}}))
    let_in = {name for (_, name), spec in found.items() if any(rule.get("from") == [peer] for rule in spec["ingress"])}
    assert let_in == {"tradefleet-operator", "tradefleet-sim", "tradefleet-bots"}


def test_the_policies_select_the_pods_that_the_operator_makes() -> None:
    """The labels that the chart's policies select by are those of the contract and of the operator's Jobs."""
    text = (CHART / "templates" / "networkpolicy.yaml").read_text()
    assert f"key: {LABEL_BOT}, operator: Exists" in text
    assert f"{LABEL_COMPONENT}: {job.COMPONENT}" in text


WRONG: list[tuple[str, Object, str]] = [
    ("no operator image", {"operator": {"image": ""}}, "/operator/image"),
    ("no bot image", {"bot": {"image": ""}}, "/bot/image"),
    ("image with spaces", {"bot": {"image": "a b"}}, "/bot/image"),
    ("digest cut short", {"bot": {"image": "r/bot@sha256:abc"}}, "/bot/image"),
    ("unknown value", {"operater": {}}, "operater"),
    ("unknown nested value", {"sim": {"sead": 1}}, "sead"),
    ("no replica", {"operator": {"replicas": 0}}, "/operator/replicas"),
    ("seed in words", {"sim": {"seed": "seven"}}, "/sim/seed"),
    ("negative seed", {"sim": {"seed": -1}}, "/sim/seed"),
    ("time stands still", {"sim": {"speed": 0}}, "/sim/speed"),
    ("namespaces as text", {"watchNamespaces": "trading"}, "/watchNamespaces"),
    ("namespace in capitals", {"watchNamespaces": ["Trading"]}, "/watchNamespaces/0"),
    ("namespace twice", {"watchNamespaces": ["a", "a"]}, "/watchNamespaces"),
    ("argument is a number", {"sim": {"extraArgs": [1]}}, "/sim/extraArgs/0"),
    ("port out of range", {"networkPolicy": {"egressPorts": [70000]}}, "/networkPolicy/egressPorts/0"),
    ("pull policy", {"imagePullPolicy": "Sometimes"}, "/imagePullPolicy"),
    ("enabled in words", {"sim": {"enabled": "yes"}}, "/sim/enabled"),
]


@pytest.mark.parametrize(("values", "where"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_wrong_values_are_refused_by_name(helm: Path, values: Object, where: str) -> None:
    code, _, err = run_helm(helm, merged(copy.deepcopy(IMAGES), values))
    assert code != 0
    assert where in err


def test_every_value_has_a_schema() -> None:
    """The schema refuses what it does not know, so a value without an entry could never be set."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, value in values.items():
        if isinstance(value, dict):
            assert set(value) == set(schema["properties"][name]["properties"])


def test_the_chart_s_version_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (project, project)
