"""Faults on purpose: a seeded schedule of them, carried out under load on the stack that runs, then healed and judged."""
