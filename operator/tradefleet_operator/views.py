"""Raw objects of the API as the values that decisions are made on."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from pydantic import ValidationError

from tradefleet_api.base import Contract
from tradefleet_api.modelversion import ModelVersionSpec, ModelVersionStatus
from tradefleet_api.refusal import sentence
from tradefleet_operator.actions import Json
from tradefleet_operator.keys import part
from tradefleet_operator.names import ANNOTATION_DIGEST
from tradefleet_operator.observed import CheckView, Meta, ModelView, PodView
from tradefleet_operator.times import parse

C = TypeVar("C", bound=Contract)
_UNREMARKABLE: Final = {"PodInitializing", "ContainerCreating"}


def meta(item: Json) -> Meta:
    """`metadata` of a custom resource."""
    data = part(item, "metadata")
    finalizers = data.get("finalizers")
    generation = data.get("generation")
    return Meta(
        namespace=str(data["namespace"]),
        name=str(data["name"]),
        uid=str(data["uid"]),
        generation=generation if isinstance(generation, int) else 0,
        resource_version=str(data["resourceVersion"]),
        deletion=parse(_text(data.get("deletionTimestamp"))),
        finalizers=tuple(str(name) for name in finalizers) if isinstance(finalizers, list) else (),
        annotations={key: str(value) for key, value in part(data, "annotations").items()},
    )


def read(model: type[C], data: object) -> tuple[C | None, str | None]:
    """The typed value, or one sentence why it is none; fields of a later release are left out."""
    try:
        return model.model_validate(data, extra="ignore"), None
    except ValidationError as error:
        return None, sentence(error)


def status_of(model: type[C], item: Json) -> C:
    """The typed status; an empty one where there is none or where it cannot be read (it is then written anew)."""
    found, _ = read(model, part(item, "status"))
    return found if found is not None else model()


def model_view(item: Json) -> ModelView | None:
    """A ModelVersion as a bot sees it; None where its spec cannot be read."""
    about = meta(item)
    spec, _ = read(ModelVersionSpec, part(item, "spec"))
    if spec is None:
        return None
    status = status_of(ModelVersionStatus, item)
    current = status.observed_generation == about.generation
    return ModelView(
        name=about.name,
        uri=spec.artifact.uri,
        sha256=spec.artifact.sha256,
        verified=current and status.phase == "Verified" and status.digest == spec.artifact.sha256,
        rejected=current and status.phase == "Rejected",
        deleting=about.deletion is not None,
        message=status.message or "",
    )


def pod_view(pod: Json) -> PodView:
    """A bot's pod."""
    data, status = part(pod, "metadata"), part(pod, "status")
    ready = next((item for item in _items(status, "conditions") if item.get("type") == "Ready"), {})
    bot = _container(status, "containerStatuses", "bot")
    restarts = bot.get("restartCount")
    return PodView(
        name=str(data.get("name")),
        uid=str(data.get("uid")),
        digest=_text(part(data, "annotations").get(ANNOTATION_DIGEST)),
        ip=_text(status.get("podIP")),
        ready_since=parse(_text(ready.get("lastTransitionTime"))) if ready.get("status") == "True" else None,
        terminating="deletionTimestamp" in data,
        restarts=restarts if isinstance(restarts, int) else 0,
        trouble=_trouble(status),
    )


def check_view(pod: Json) -> CheckView:
    """The pod of a verification Job."""
    status = part(pod, "status")
    fetch = _ended(_container(status, "initContainerStatuses", "fetch"))
    verify = _ended(_container(status, "containerStatuses", "verify"))
    code = verify.get("exitCode")
    return CheckView(
        fetch_message=(_said(fetch) or "fetching failed") if fetch.get("exitCode") else None,
        verify_exit=code if isinstance(code, int) else None,
        verify_message=_said(verify),
        waiting=_trouble(status),
    )


def _trouble(status: Mapping[str, object]) -> str | None:
    """The first container's reason for not running, with what it said when it ended; None where there is nothing."""
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in _items(status, key):
            waiting = part(container, "state", "waiting")
            ended = _ended(container)
            if part(container, "state", "running") or not (waiting or ended.get("exitCode")):
                continue
            reason = _text(waiting.get("reason"))
            if reason in _UNREMARKABLE and not ended.get("exitCode"):
                continue
            said = _said(ended) or _text(waiting.get("message"))
            return f"{container.get('name')}: {reason or ended.get('reason')}" + (f": {said}" if said else "")
    return None


def _ended(container: Mapping[str, object]) -> Json:
    """The last termination of a container: of its present state, else of the one before."""
    return part(container, "state", "terminated") or part(container, "lastState", "terminated")


def _said(ended: Mapping[str, object]) -> str | None:
    """The last line of a termination message (it may be the tail of the log), without the program's own name.

    >>> _said({"message": "loading\\ntradefleet: no file\\n"})
    'no file'
    """
    lines = (_text(ended.get("message")) or "").strip().splitlines()
    return lines[-1].removeprefix("tradefleet: ") if lines else None


def _container(status: Mapping[str, object], key: str, name: str) -> Json:
    return next((item for item in _items(status, key) if item.get("name") == name), {})


def _items(status: Mapping[str, object], key: str) -> Iterator[Json]:
    found = status.get(key)
    yield from (item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict))


def _text(value: object) -> str | None:
    return str(value) if value else None
