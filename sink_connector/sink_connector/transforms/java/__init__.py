"""What Java does its own way: dates, replacements of matches, casts, literals."""
