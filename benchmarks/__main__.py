"""`python -m benchmarks [--quick] [NAME …]`: runs the benchmarks, shows tables, writes benchmarks/results.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.report import Report, show

NAMES = ("mapper", "redis_store", "webhook", "delivery")
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run what is asked for, one after the other, so that none disturbs another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes: a first look, not to be quoted")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []], help=", ".join(NAMES))
    arguments = parser.parse_args()
    console = Console()
    reports: dict[str, Report] = {}
    for name in arguments.names or NAMES:
        with console.status(f"measuring: {name}"):
            reports[name] = importlib.import_module(f"benchmarks.{name}").run(quick=arguments.quick)
        show([reports[name]], console)
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "quick": arguments.quick,
    }
    whole = about | {"reports": {name: report.to_dict() for name, report in reports.items()}}
    RESULTS.write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    console.print(f"Written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
