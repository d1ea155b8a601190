"""HTTP: parse, call one use case, say what came of it. No rules and no SQL here."""
