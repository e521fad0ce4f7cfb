"""``python -m benchmarks.parts RESULTS N``: a finished folder cut into the parts of N machines.

Each part is what its machine would have made, as links to the files of the whole.
"""

import os
import sys
from pathlib import Path

from analysis.folders.merge import OF_A_RUN
from harness.plan import asked, configuration


def cut(results: Path, of: int) -> list[Path]:
    """The parts of a finished folder, beside it; as ``--config shard=1/N`` cuts the runs."""
    plan, found = asked.read_plan(results), []
    for number in range(1, of + 1):
        part = results.with_name(f"{results.name}-part-{number}")
        places = {"results": "results", "other": "", "shard": f"{number}/{of}"}
        mine = configuration.load(plan["configuration"] | places, [])
        for run in mine.runs:
            for folder, end in OF_A_RUN:
                source = results / folder / f"{run.name}{end}"
                if source.exists():
                    (part / folder).mkdir(parents=True, exist_ok=True)
                    os.link(source, part / folder / source.name)
        for stamp in sorted((results / "code").glob("*.txt")):
            (part / "code").mkdir(exist_ok=True)
            os.link(stamp, part / "code" / stamp.name)
        about = {"configuration": mine.resolved, "code": plan["code"], "shard": f"{number}/{of}"}
        asked.write_plan(part, mine.runs, [], mine.conformance, (), mine.studies, about)
        found.append(part)
    return found


if __name__ == "__main__":
    for one in cut(Path(sys.argv[1]), int(sys.argv[2])):
        print(one)
