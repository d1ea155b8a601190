"""The console command's parts; each adds its own arguments and runs with them."""
