"""The fleet as a person sees it: what the operator decided and what each bot reports, read through the API server."""
