"""What starts use cases: HTTP, consumers, the relay, and tasks by the clock."""
