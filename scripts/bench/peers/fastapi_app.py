"""The JSON task with FastAPI: uvicorn fastapi_app:app"""

import time
from typing import Any, Optional

from fastapi import FastAPI
from pydantic import BaseModel, Field


class Task(BaseModel):
    query: str
    parameters: Optional[dict[str, Any]] = None
    context: Optional[dict[str, Any]] = None
    task_type: Optional[str] = None
    priority: Optional[int] = Field(1, ge=1, le=3)


app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "healthy", "service": "bench-json"}


@app.post("/analyze")
async def analyze(task: Task):
    began = time.perf_counter()
    p = task.parameters or {}
    high = p["systolic"] > 140 or p["diastolic"] > 90
    mean = (p["systolic"] + 2 * p["diastolic"]) / 3
    result = {"patient_id": p["patient_id"], "risk": "high" if high else "normal", "mean": mean}
    seconds = time.perf_counter() - began
    return {"result": result, "processing_time": seconds, "metadata": {
        "agent_type": "bench", "implementation": "deterministic", "task_type": "analyze", "processing_time": seconds}}
