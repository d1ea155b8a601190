"""Commands of the page, passed on to the order instances."""
