"""The texts of the site, read again for every page, so that a change shows at once."""

import json
from pathlib import Path

FILE = Path(__file__).parent / "content.json"


def read_content() -> dict:
    """What content.json says."""
    return json.loads(FILE.read_text(encoding="utf-8"))
