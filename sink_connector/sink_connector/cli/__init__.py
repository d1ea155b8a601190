"""The console command: its arguments, and a module for each of its commands, loaded when it is asked for."""
