"""What the workers of a group share, and what each makes of it."""
