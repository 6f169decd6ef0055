"""References between the sections of a run: names that must exist, and values that must fit each other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from astromer.config.registry import check_name
from astromer.config.section import Key
from astromer.errors import InputError

if TYPE_CHECKING:
    from astromer.config.run import Run


def wrong_references(run: "Run") -> Iterator[tuple[Key, str]]:
    """Yield each key that names what does not exist, or does not fit another key, with an error message."""
    references: list[tuple[Key, str, str, Any]] = [
        *(
            (("pretraining", "surveys", i), "survey", name, run.surveys)
            for i, name in enumerate(run.pretraining.surveys)
        ),
        *(
            (("datasets", name, "survey"), "survey", section.survey, run.surveys)
            for name, section in run.datasets.items()
        ),
        *(
            (("apply", key), key, name, known)
            for key, known in (
                ("encoder", run.encoders),
                ("dataset", run.datasets),
                ("classifier", run.classification.on_encoders),
            )
            if (name := getattr(run.apply, key)) is not None
        ),
        *((("apply", "surveys", i), "survey", name, run.surveys) for i, name in enumerate(run.apply.surveys)),
        *(
            (("encoders", name, "weights"), "weights", section.weights, run.weights)
            for name, section in run.imported_encoders.items()
        ),
    ]
    for key, kind, name, known in references:
        try:
            check_name(kind, name, known)
        except InputError as error:
            yield key, str(error)
    for name, section in run.imported_encoders.items():
        if section.variant and section.weights in run.weights and run.weights_of(name).packaged:
            yield ("encoders", name, "variant"), f"the weights {section.weights!r} record their variant; expected none"
    yield from _missing_surveys(run)
    yield from _wrong_application(run)


def _missing_surveys(run: "Run") -> Iterator[tuple[Key, str]]:
    """Yield the keys of surveys that must name one and do not."""
    if not run.applied_surveys:
        yield ("apply", "surveys"), "is empty, as are pretraining.surveys and datasets; expected the name of a survey"
    elif run.trained_encoders and not run.pretraining.surveys:
        yield (
            ("pretraining", "surveys"),
            f"is empty; expected a survey that encoder {run.trained_encoders[0]} learns from",
        )


def _wrong_application(run: "Run") -> Iterator[tuple[Key, str]]:
    """Yield the keys of the section `apply` that do not fit its dataset or encoder."""
    applied = run.applied
    if applied is None or applied.dataset not in run.datasets or applied.encoder not in run.encoders:
        return
    spc = run.datasets[applied.dataset].spc
    if applied.spc not in spc:
        yield ("apply", "spc"), f"is {applied.spc}; expected one of {', '.join(map(str, spc))}"
    if applied.state not in run.states_of(applied.encoder):
        yield ("apply", "state"), f"is {applied.state!r}, but encoder {applied.encoder} is not finetuned"
