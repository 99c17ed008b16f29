"""The web side: it reads Snapshots, and changes a running house only by `station.tell`.

`app.create_app(station)` makes the WSGI application; it expects to be mounted at /s0.
`assets(name)` is the folder of templates or static files: inside the package if it is installed,
beside it in a checkout.
"""

from pathlib import Path


def assets(name: str) -> Path:
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
