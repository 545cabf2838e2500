"""Log in to the cluster: by the pod's ServiceAccount, else by kubeconfig; the official package knows how."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config


@dataclass(frozen=True)
class Connection:
    """Where the API is and how to prove who asks; the token is read anew when it has been rotated."""

    server: str
    ca_path: str | None
    certificate_path: str | None
    key_path: str | None
    verify: bool
    _configuration: Any
    """`kubernetes.client.Configuration`: it refreshes the token of a ServiceAccount by itself."""

    def token(self) -> str | None:
        """The bearer token of now; None where a client certificate or nothing is used."""
        header = self._configuration.get_api_key_with_prefix("BearerToken")
        return header.split(" ", 1)[-1].strip() if header else None

    def ssl_context(self) -> ssl.SSLContext | bool:
        """For aiohttp; False for a plain http address."""
        if not self.server.startswith("https"):
            return False
        context = ssl.create_default_context(cafile=self.ca_path)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_path:
            context.load_cert_chain(self.certificate_path, self.key_path)
        return context


def connect(kubeconfig: Path | None = None) -> Connection:
    """The connection of this process; `kubeconfig` names a file, None means the pod's own or the user's default.

    Raises kubernetes.config.ConfigException where there is no way to log in.
    """
    configuration = client.Configuration()
    if kubeconfig is not None:
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)  # type: ignore[no-untyped-call] # it has no annotations
    else:
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # it has no annotations
        except config.ConfigException:
            config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # it has no annotations
    return Connection(
        configuration.host.rstrip("/"),
        configuration.ssl_ca_cert,
        configuration.cert_file,
        configuration.key_file,
        bool(configuration.verify_ssl),
        configuration,
    )
