"""FastAPI with uvicorn: the model is loaded at the start, torch runs in the endpoint."""

import inputs
import uvicorn
from fastapi import FastAPI, UploadFile
from model import classify, load_model, read_image

app = FastAPI()
model = load_model()
labels = inputs.labels()


# `def`, not `async def`: FastAPI's advice for blocking code.
@app.post("/predict")
def predict(image: UploadFile) -> dict[str, str]:
    [best] = classify(model, read_image(image.file).unsqueeze(0))
    return {"label": labels[best]}


if __name__ == "__main__":
    uvicorn.run(app, host=inputs.HOST, port=inputs.port())
