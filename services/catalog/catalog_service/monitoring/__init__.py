"""How the parts are, how fresh the picture is, and where the time goes."""
