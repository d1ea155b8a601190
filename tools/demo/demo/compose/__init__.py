"""The stack in containers, for the commands that take `--compose`: addresses, and what stands behind closed networks."""
