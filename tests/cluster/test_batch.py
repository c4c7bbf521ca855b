"""`--ray` of the batch command: the same rows through Ray Data."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from my_inference_app.bundles.bundle import Bundle
from tests.batch.running import folder_of_images, results, rows_of, start
from tests.cluster.nodes import Cluster
from tests.live.service import until


def test_interrupted_run_on_ray_goes_on_and_has_the_rows_of_a_run_without(
    cluster: Cluster, colours: Bundle, tmp_path: Path
) -> None:
    source = folder_of_images(tmp_path / "images", 300)
    here = results(colours, source, tmp_path / "here.parquet", embeddings=True)
    out = tmp_path / "there.parquet"
    command: list[str | Path] = [source, "--out", out, "--ray", cluster.address, "--embeddings", "--save-every", "0"]
    with start(colours, *command) as first:
        parts = out.with_name("there.parquet.unfinished")
        until(lambda: list(parts.glob("*.parquet")) or first.poll() is not None)
        first.kill()
    with start(colours, *command) as second:
        said = second.communicate(timeout=120)[1]
    assert second.returncode == 0, said
    assert rows_of(out) == here
    assert pq.read_schema(out).equals(pq.read_schema(tmp_path / "here.parquet"), check_metadata=True)
