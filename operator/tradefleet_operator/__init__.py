"""The operator: handlers enqueue, `observe` reads, `plan` decides, `apply` acts."""
