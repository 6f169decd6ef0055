"""What the section `apply` names: the classifier that is applied, its encoders, and their files."""

APPLIED = RUN.applied
IS_HEAD = APPLIED is not None and APPLIED.classifier in RUN.classification.heads
IS_PROBE = APPLIED is not None and APPLIED.classifier in RUN.classification.probe_models
APPLIED_SIMULATED = [name for name in RUN.applied_surveys if RUN.surveys[name].options.simulated]


def of_applied_folds(path):
    """List a path with `{fold}`, and the keys of the section `apply`, for all folds of the classifier's dataset."""
    return [path.format(fold=fold, **APPLIED.model_dump()) for fold in range(RUN.datasets[APPLIED.dataset].folds)]


def applied_files(frozen, finetuned):
    """List the path of the frozen encoder, or those of the encoders that are finetuned for each fold."""
    return list(dict.fromkeys(of_applied_folds(frozen if APPLIED.state == "frozen" else finetuned)))


def applied_encoders(name):
    """List a file of the classifier's encoder or encoders."""
    return applied_files(
        f"<results>/pretrain/{{encoder}}/{name}",
        f"<results>/finetune/{{encoder}}/{{dataset}}/fold{{fold}}/spc{{spc}}/{name}",
    )


def applied_features(survey, shards):
    """List the features of shards of a survey, if the classifier reads features."""
    fused = APPLIED.classifier == "fused"
    return [f"<results>/features/{survey}/{shard}.parquet" for shard in shards] if fused else []


def applied_params():
    """Return the parameters that predictions by heads and by probes share."""
    return {
        "classifier": APPLIED.classifier,
        "classes": RUN.datasets[APPLIED.dataset].classes,
        "spc": APPLIED.spc,
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
