"""The guided tour: its steps are data (`steps.toml`), this package reads, runs and remembers them."""
