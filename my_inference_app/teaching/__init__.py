"""The server's side of teaching: it keeps photos and orders models. `teach` makes them, in a process of its own."""
