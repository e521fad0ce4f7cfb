"""Which of Snakemake's own lines a person sees."""

import logging

# Two for every job, what a job's command is run by, and a hint at what does not stand above.
NOISE = (
    "Select jobs to execute",
    "Execute ",
    "Assuming unrestricted",
    "Using shell:",
    "Exiting because a job execution failed",
)
EVENTS = ("workflow_started", "progress", "job_finished", "resources_info")
# Of a dry run, whose jobs are not listed.
ABOVE = "\n    (check individual jobs above for details)"


def quieten_snakemake() -> None:
    """Drop Snakemake's header and its lines on each job; its plan by rule and count stays."""
    said: set[str] = set()

    def wanted(record: logging.LogRecord) -> bool:
        event, text = str(getattr(record, "event", "")), str(record.msg or "")
        if event in EVENTS or text.startswith(NOISE):
            return False
        record.msg = text.replace(ABOVE, "")
        # A dry run says its plan before and after.
        again = event == "run_info" and text in said
        said.add(text)
        return not again

    logging.getLogger("snakemake.logging").addFilter(wanted)
