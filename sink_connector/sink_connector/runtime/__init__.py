"""The running parts: consumers, tasks, connectors, and the worker that holds them."""
