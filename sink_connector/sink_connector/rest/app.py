"""The worker's HTTP interface: health and metrics."""

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sink_connector.worker.connector import State
from sink_connector.worker.worker import Worker


def make_app(worker: Worker) -> FastAPI:
    app = FastAPI(title="Sink connector", docs_url="/docs", redoc_url=None)

    @app.get("/health")
    async def health(response: Response) -> dict[str, object]:
        """200 while every task runs, else 503 with those that do not."""
        failed = [
            f"{name}-{task.number}"
            for name, connector in worker.connectors.items()
            for task in connector.status
            if task.state is State.FAILED
        ]
        if failed:
            response.status_code = 503
            return {"status": "unhealthy", "message": f"failed tasks: {', '.join(failed)}"}
        return {
            "status": "healthy",
            "message": "Worker has completed startup and is ready to handle requests.",
        }

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app
