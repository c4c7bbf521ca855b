"""What gunicorn serves: the model is loaded once, at import, in each worker. Run directly it serves on port 8000."""

from __future__ import annotations

from my_inference_app import server, worker

if __name__ == "__main__":
    server.main(default_port=8000)
else:
    app = worker.start(server.create_app)
