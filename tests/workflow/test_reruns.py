"""An edit of the sources reruns the rules that use what was edited, and no others."""

import os
import re

import pytest
from workflow_run import ROOT

FIGURES = {f"draw_fig{name}" for name in ("02", "03", "07", "08", "09", "10", "11", "12", "13", "14", "B")}
FIGURES |= {"draw_curves", "draw_masking"}
FIGURES |= {f"draw_fig_{name}" for name in ("claims", "data", "f1", "finetuning", "silhouette")}
TRAINING = {"pretrain_encoder", "finetune_encoder"}
EVERY_RULE = FIGURES | TRAINING
EVERY_RULE |= {
    "ingest_shard",
    "merge_survey",
    "split_dataset",
    "split_pretraining",
    "collect_counts",
    "audit_splits",
    "embed_frozen",
    "embed_finetuned",
}
EVERY_RULE |= {"extract_features", "train_heads", "fit_probes", "fit_controls", "train_baselines", "collect_metrics"}
EVERY_RULE |= {"write_claims", "analyse_attention", "reconstruct_windows"}
EVERY_RULE |= {"write_config", "write_report", "write_crate", "analyse_levels", "measure_gammas"}
EVERY_RULE |= {
    "select_observations",
    "write_pretraining_records",
    "write_dataset_records",
    "write_test_records",
    "write_object_records",
}

# What is edited, and the rules that use it; what only follows from these reruns as well.
EDITS = {
    "workflow_scripts/_entry.py": EVERY_RULE,
    "astromer/surveys/filters.py": {"ingest_shard", "merge_survey"},
    "astromer/splits/audit.py": {"audit_splits"},
    "astromer/models/heads/skip.py": {"train_heads", "measure_gammas"},
    "astromer/models/heads/avg.py": set(),
    "astromer/evaluation/predictors.py": {*TRAINING, "reconstruct_windows", "draw_masking", "draw_figB"},
    "astromer/plots/confusion.py": {"draw_fig13", "draw_fig14"},
    "astromer/plots/claims.py": {"draw_fig_claims"},
    "notebooks/fig12.ipynb": {"draw_fig12"},
}


def changed_rules(output):
    """Rules that a dry run lists because of their own parameters or sources, and not because of another job first."""
    reasons = output.partition("\nReasons:\n")[2].partition("\n\n")[0]
    blocks = re.findall(r"^    (\w.*):\n        (.*)$", reasons, re.MULTILINE)
    return {rule for reason, rules in blocks if "another job" not in reason for rule in rules.split(", ")}


@pytest.mark.parametrize("path", EDITS)
def test_an_edit_reruns_the_rules_that_use_it(finished, path):
    edited = finished.root / path
    before, times = edited.read_text(), edited.stat()
    edited.write_text(
        before.replace("baselines and controls", "baselines, controls", 1) if path.endswith("b") else f"{before}\n"
    )
    try:
        output = finished.run("-n")
    finally:
        edited.write_text(before)
        os.utime(edited, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = changed_rules(output)
    assert changed <= EDITS[path], output[-3000:]
    assert EDITS[path] <= set(finished.jobs(output)), "those that follow from another rule are not listed as changed"
    assert bool(changed) == bool(EDITS[path])


def test_every_rule_with_a_script_has_a_digest_of_its_code():
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule in re.split(r"^ *rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            script = re.search(r"workflow_scripts/(\w+)\.py", rule)
            if script:
                assert re.search(rf"""code_digest\(\s*"{script[1]}\"""", rule), f"{path.name}: {script[1]}"


def test_a_job_of_one_survey_dataset_or_encoder_states_no_others_as_simulated():
    """Except the splits, which compare the stars of all surveys."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule in re.split(r"^ *(?:use )?rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            of_one = re.search(r"provenance=.*\{(survey|dataset|encoder|figure.stem)\}", rule)
            if of_one and "split_dataset" not in rule:
                assert "simulated=RUN.simulated_surveys" not in rule, f"{path.name}: {of_one[0]}"


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["surveys", "sim_atlas", "description"], "another text"),
        (["datasets", "sim_atlas", "spc"], [5, 10]),
        (["datasets", "sim_macho", "role"], "out-of-domain"),
    ],
)
def test_what_pretraining_does_not_use_does_not_rerun_it(finished, copy_of, keys, value):
    copy = copy_of(finished)
    section = copy.config
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    jobs = copy.jobs(copy.run("-n"))
    assert jobs, "the change is used somewhere"
    assert not {"ingest_shard", "split_pretraining", "write_pretraining_records", "pretrain_encoder"} & set(jobs)


def test_the_order_of_datasets_reruns_no_training(finished, copy_of):
    copy = copy_of(finished)
    copy.config["datasets"] = dict(reversed(copy.config["datasets"].items()))
    assert not {"split_dataset", "audit_splits", *TRAINING, "embed_frozen"} & set(copy.jobs(copy.run("-n")))


def test_an_edit_of_the_audit_runs_the_audit_only(finished):
    """An unchanged verdict changes nothing; the other case is a failed run."""
    edited = finished.root / "astromer/splits/audit.py"
    before, times = edited.read_text(), edited.stat()
    edited.write_text(f"{before}\n")
    try:
        jobs = set(finished.jobs(finished.run("-n")))
    finally:
        edited.write_text(before)
        os.utime(edited, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert jobs == {"audit_splits", "write_report", "write_crate", "all"}
