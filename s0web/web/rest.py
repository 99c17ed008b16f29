"""Flask-RESTful's Api, with the errors of its resources answered as everywhere else."""

from collections.abc import Callable
from typing import Any

import flask_restful


class Api(flask_restful.Api):  # type: ignore[misc]
    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Leave errors to the application; its own handler would log a traceback for each 503."""
        return original_handler(e)
