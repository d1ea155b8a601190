"""What is happening now: positions in the topics, what has become visible, and streams of it."""
