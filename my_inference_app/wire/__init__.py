"""What comes before a request is one: gathering its bytes, and refusing those that are no HTTP."""
