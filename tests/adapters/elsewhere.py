"""Another process: opens the shop's agent anew, resumes what is decided, says where it stands.

python -m tests.adapters.elsewhere FRAMEWORK FOLDER
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.adapters.places import Build, open_place


def main() -> None:
    """Resume once."""
    place = open_place(sys.argv[1], Build(Path(sys.argv[2])))
    try:
        outcome = place.resume()
    finally:
        place.close()
    print(json.dumps(asdict(outcome) if outcome else None))


if __name__ == "__main__":
    main()
