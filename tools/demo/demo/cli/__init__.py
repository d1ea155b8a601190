"""The subcommands of `./demo`, a module each."""
