"""A set of rows with all that training and judging need of it, and a model trained on one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lifecycle.executors.errors import naming_the_step
from lifecycle.executors.fitted import Model, build_pipeline
from lifecycle.executors.judging import Judge
from lifecycle.executors.specs import PipelineSpec, TrainingSpec
from lifecycle.executors.targets import Answers, make_judge


@dataclass(frozen=True)
class Part:
    """Rows with their answers, their features in the form that a model takes, and what judges them."""

    answers: Answers
    prepared: pd.DataFrame
    judge: Judge

    def of(self, spec: TrainingSpec, rows: NDArray[np.bool_]) -> "Part":
        """The same for some of the rows."""
        return make_part(spec, self.answers, self.prepared, rows)


def make_part(spec: TrainingSpec, answers: Answers, prepared: pd.DataFrame, rows: NDArray[np.bool_]) -> Part:
    """The part of the data that `rows` keeps."""
    kept = Answers(
        frame=answers.frame.loc[rows].reset_index(drop=True),
        truth=answers.truth[rows],
        classes=answers.classes,
        positive=answers.positive,
        unlabelled=answers.unlabelled,
    )
    return Part(kept, prepared.loc[rows].reset_index(drop=True), make_judge(spec, kept))


def fit(
    spec: TrainingSpec, learn: Part, *, pipeline: PipelineSpec | None = None, seed: int | None = None
) -> Model:
    """A model trained on `learn`; with another pipeline or seed than the specification's if given."""
    chosen = spec.seed if seed is None else seed
    built = build_pipeline(pipeline or spec.pipeline, spec.features, spec.task, chosen)
    classes = spec.task == "classification"
    truth = learn.answers.truth.astype(np.int64) if classes else learn.answers.truth
    with naming_the_step("fit"):
        built.fit(learn.prepared, truth)
    return Model(built, spec.features, spec.task, spec.target, learn.answers.classes, learn.answers.positive)
