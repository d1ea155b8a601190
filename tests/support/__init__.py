"""What tests of several parts share; each module is one thing a test asks for by name."""
