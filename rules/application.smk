"""What the section `apply` names: the classifier that is applied, its encoders, and their files."""

APPLIED = RUN.applied
IS_HEAD = APPLIED is not None and APPLIED.classifier in RUN.classification.frozen_heads
IS_PROBE = APPLIED is not None and APPLIED.classifier in RUN.classification.probe_models


def applied(path):
    """Fill the keys of the section `apply` in a path."""
    return path.format(**APPLIED.model_dump())


def applied_encoders(name):
    """List a file of the classifier's encoder, or of the encoders that are finetuned for each fold."""
    if APPLIED.state == "frozen":
        return [applied(f"<results>/pretrain/{{encoder}}/{name}")]
    folds = range(RUN.datasets[APPLIED.dataset].folds)
    return [applied(f"<results>/finetune/{{encoder}}/{{dataset}}/fold{fold}/spc{{spc}}/{name}") for fold in folds]


def applied_features(survey, shards):
    """List the features of shards of a survey, if the classifier reads features."""
    fused = APPLIED.classifier == "fused"
    return [f"<results>/features/{survey}/{shard}.parquet" for shard in shards] if fused else []


def applied_simulated(wildcards):
    """Parameter function: the simulated surveys behind predictions: also those that the classifier learned from."""
    learned = {"datasets": [APPLIED.dataset], "encoders": [APPLIED.encoder]}
    return RUN.simulated_behind(surveys=[wildcards.survey], **learned)


def applied_params():
    """Return the parameters that predictions by heads and by probes share."""
    return {
        "classifier": APPLIED.classifier,
        "classes": RUN.datasets[APPLIED.dataset].classes,
        "spc": APPLIED.spc,
        "folds": RUN.datasets[APPLIED.dataset].folds,
        "window": RUN.window,
        "coverage": APPLIED.coverage,
        "match_radius_arcsec": RUN.splits.match_radius_arcsec,
        "id_spaces": RUN.id_spaces_of(RUN.applied_surveys),
    }


def predictions_of_surveys(wildcards):
    """Input function: the predictions of all shards, if there is a classifier to apply."""
    if not IS_HEAD and not IS_PROBE:
        raise WorkflowError("There is nothing to predict with: the run has no dataset, or neither a head nor a probe.")
    return of_applied_shards("<results>/predictions")
