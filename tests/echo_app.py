"""What `POST /classify` is measured against: the same body validated, and sent back."""

from fastapi import FastAPI

from api.schemas.requests import ClassifyRequest

app = FastAPI()


@app.post("/classify")
async def echo(body: ClassifyRequest) -> ClassifyRequest:
    return body
