"""The way to the Kubernetes API: a connection, a small asynchronous client, and its two families of errors.

Why not the official client's typed API: measured on Python 3.11, the process needs 63 MiB with kopf and aiohttp
imported (kopf imports `kubernetes.config` by itself) and 151 MiB once the models of `kubernetes.client` are loaded;
`kubernetes.aio` brings models of its own. The official package therefore loads the configuration, where it knows every
way to log in, and requests are plain JSON over aiohttp, whose session kopf needs anyway.
"""
