# %% [markdown]
# # Try the service
#
# Start the service with `make run` first. The cells below send it the sample images of this folder.
# `SERVICE_URL` names a service somewhere else, `API_KEY` holds its key, if it needs one.

# %%
import base64
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests
from matplotlib import pyplot as plt
from PIL import Image, ImageEnhance, ImageOps

URL = os.environ.get("SERVICE_URL", "http://localhost")
KEY = {"X-API-Key": os.environ["API_KEY"]} if "API_KEY" in os.environ else {}
SAMPLES = sorted(path for path in Path().glob("*.*") if path.suffix in {".jpg", ".png"})
plt.rcParams.update({"figure.dpi": 72, "axes.spines.top": False, "axes.spines.right": False})

# %% [markdown]
# ## A request and its answer
#
# The image is a file of a form, as a browser or `curl -F image=@cat.jpg` sends it.


# %%
def post(address: str, *images: bytes, **options: int) -> Any:
    files = [("image", (f"{number}.jpg", image)) for number, image in enumerate(images)]
    response = requests.post(f"{URL}/{address}", params=options, files=files, headers=KEY, timeout=60)
    response.raise_for_status()
    return response.json()


cat = Path("cat.jpg").read_bytes()
answer = post("predict", cat, top_k=5)
print(json.dumps(answer, indent=2))

# %% [markdown]
# ## What the model sees, and where
#
# With `explain=1` the answer has a map of the places that speak for the best label. `box` is the part of the image that
# the model saw; the map belongs over it. Models without such a map answer 501, and `explain=occlusion` works for them.

# %%
explained = post("predict", cat, top_k=5, explain=1)
explanation = explained["explanations"][0]
png = base64.b64decode(explanation["image"].partition(",")[2])
photo = ImageOps.exif_transpose(Image.open(io.BytesIO(cat))).convert("RGB")
overlay = Image.open(io.BytesIO(png))
left, top, right, bottom = explanation["box"]

figure, (left_axes, right_axes) = plt.subplots(1, 2, figsize=(9, 3.2), width_ratios=[1, 1.2])
left_axes.imshow(photo)
left_axes.imshow(overlay, extent=(left, right, bottom, top))
left_axes.set(xlim=(0, photo.width), ylim=(photo.height, 0))
left_axes.axis("off")

best_last = explained["predictions"][::-1]
labels = [prediction["label"].partition(",")[0] for prediction in best_last]
scores = [prediction["score"] for prediction in best_last]
right_axes.bar_label(right_axes.barh(labels, scores, color="tab:blue"), fmt="{:.1%}", padding=4)
right_axes.set(xlim=(0, 1), xticks=[])
right_axes.set_title(explained["model"], loc="left")
right_axes.spines[["left", "bottom"]].set_visible(False)
right_axes.tick_params(length=0)
figure.tight_layout()
plt.show()


# %% [markdown]
# ## Embeddings
#
# `POST /embed` returns a vector for each image. Images that look alike have vectors that point the same way. Here each
# sample is also mirrored, rotated, cropped, darkened and turned to grey. The plot shows the two directions in which the
# vectors differ most: the versions of one sample stay together.


# %%
def versions(image: Image.Image) -> list[Image.Image]:
    width, height = image.size
    return [
        image,
        ImageOps.mirror(image),
        image.rotate(10, expand=False),
        image.crop((width // 10, height // 10, width, height)),
        ImageEnhance.Brightness(image).enhance(0.6),
        ImageOps.grayscale(image).convert("RGB"),
    ]


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


names = []
vectors = []
for sample in SAMPLES:
    changed = versions(Image.open(sample).convert("RGB"))
    results = post("embed", *map(jpeg, changed), normalize=1)["results"]
    vectors += [result["embedding"] for result in results]
    names += [sample.stem] * len(results)

table = np.array(vectors)
centred = table - table.mean(axis=0)
_, _, directions = np.linalg.svd(centred, full_matrices=False)
places = centred @ directions[:2].T

figure, axes = plt.subplots(figsize=(4.5, 3.2))
for sample in SAMPLES:
    own = places[[name == sample.stem for name in names]]
    axes.scatter(own[:, 0], own[:, 1], label=sample.stem, alpha=0.6)
axes.set(xticks=[], yticks=[], title=f"{len(table)} images, {table.shape[1]} numbers each")
axes.legend(frameon=False)
figure.tight_layout()
plt.show()

# %% [markdown]
# The same in numbers: the dot product says how alike two vectors are, since `normalize=1` gives them length 1.

# %%
alike = table @ table.T
same = np.equal.outer(names, names) & ~np.eye(len(names), dtype=bool)
print(f"versions of one sample: {alike[same].mean():.2f}")
print(f"different samples:      {alike[np.not_equal.outer(names, names)].mean():.2f}")


# %% [markdown]
# ## Throughput against concurrency
#
# With one request at a time, the service waits between requests. Several at a time keep it busy and share batches. Once
# the processor is busy all the time, further requests only wait longer. Here client and service share the cores of one
# machine; a service on a machine of its own is faster.


# %%
def images_per_second(concurrency: int, images: int = 32) -> float:
    with ThreadPoolExecutor(concurrency) as pool:
        start = time.perf_counter()
        list(pool.map(lambda _: post("predict", cat), range(images)))
        return images / (time.perf_counter() - start)


counts = [1, 2, 4, 8, 16]
images_per_second(4, images=8)  # warms up the connections and the caches
speeds = [max(images_per_second(count) for _ in range(2)) for count in counts]  # other programs disturb some rounds

figure, axes = plt.subplots(figsize=(4.5, 2.8))
axes.plot(counts, speeds, marker="o")
axes.set_xscale("log", base=2)
axes.set(xticks=counts, xticklabels=counts, xlabel="requests at the same time", ylabel="images a second")
axes.set_ylim(0, 1.15 * max(speeds))
figure.tight_layout()
plt.show()
