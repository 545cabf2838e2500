"""The contract between the parts: custom resources, the mandate, bundles, and the names everybody uses.

Everything here is typed data; `crds/*.yaml` is generated from it. It imports no other part.
"""
