"""What gunicorn serves: the model is loaded once, at import, in each worker. Run directly it serves on port 8000."""

from __future__ import annotations

import sys

from my_inference_app import server
from my_inference_app.errors import SetupError

# The exit code by which a gunicorn worker says that starting it again would not help.
_GIVE_UP = 4

if __name__ == "__main__":
    server.main(default_port=8000)
else:
    try:
        app = server.create_app()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(_GIVE_UP)
