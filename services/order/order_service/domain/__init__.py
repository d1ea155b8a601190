"""The rules, with nothing but the standard library: aggregates are values, a transition returns the next one or refuses."""
