"""`./demo up --playground`: the faults of `./demo chaos`, a walk through the legs and the auditor, behind switches of the page."""
