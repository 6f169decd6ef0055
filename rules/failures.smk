"""Retries of failed jobs, and the summary of failures at the end of a run."""

import time

from snakemake.jobs import GroupJob, Job

from workflow_scripts._failures import describe_failure, is_retried

STARTED = time.time()
MAX_SHOWN_FAILURES = 10


def log_of(job):
    """Return the path of a job's log, or None."""
    return Path(job.log.get("text") or job.log[0]) if job.log else None


def retries_of(job):
    """Return how often a failed job is tried again: as often as the profile says, but never after a final error."""
    return job.rule.restart_times if is_retried(log_of(job), STARTED) else 0


# Snakemake has no exit status that means "do not retry", so its property is replaced. The scheduler reads it after a failure.
Job.restart_times = property(retries_of)
GroupJob.restart_times = property(lambda group: min(retries_of(job) for job in group.jobs))


def summary_of_failures():
    """Return the message that is printed at the end of a run with failed jobs."""
    failed = [job for entry in workflow.scheduler.failed for job in (entry.jobs if entry.is_group() else [entry])]
    texts = [describe_failure(job.rule.name, job.wildcards_dict, log_of(job), STARTED) for job in failed]
    shown, more = sorted(texts)[:MAX_SHOWN_FAILURES], len(texts) - MAX_SHOWN_FAILURES
    if more > 0:
        shown.append(f"... and {more} more; all logs lie under results/{RUN.run}/logs/")
    return "\n\n".join(shown) or "The run was interrupted. The same command given again goes on from here."
