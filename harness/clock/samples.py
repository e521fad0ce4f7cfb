"""The samples of a whole campaign, as they lie in a results folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from harness.errors import UserError
from harness.plan.campaigns import Campaign, campaign_from


@dataclass
class Samples:
    """What was asked, every sample, what is known of them, and the machine they were taken on."""

    campaign: Campaign
    samples: pd.DataFrame
    problems: dict[str, str]
    notes: list[str]
    machine: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """The campaign that ``path`` names, without the samples that others left in its file."""
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            samples = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False)
            samples = samples[samples["campaign"] == about["campaign"]].copy()
            for column in ("process", "round", "steps", "wall_s", "other_s"):
                # As text, where a killed campaign left half a line.
                samples[column] = pd.to_numeric(samples[column])
            samples["ms"] = 1000 * samples["wall_s"] / samples["steps"]
            machine = "{processor} ({generation}), {cores} cores".format(**about["machine"])
            asked = campaign_from(about["asked"])
            return cls(asked, samples, about["problems"], about["notes"], machine)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: cannot be read ({error}); time the shape again.") from error
