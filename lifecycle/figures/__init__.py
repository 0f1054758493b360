"""The small drawings of the interface: view-models with geometry, SVG templates, coloured by classes.

A figure knows nothing of the database. Its `label` says the finding, for people who do not see the picture.
Statistical charts are made elsewhere, by Altair.
"""

from lifecycle.figures.bars import AgeBar, PsiBar, PsiBars
from lifecycle.figures.bullet import Bullet
from lifecycle.figures.drawing import Figure, render_figure
from lifecycle.figures.drift import DriftHistogram
from lifecycle.figures.heat import HeatCell, HeatMap, HeatRow
from lifecycle.figures.lineage import LineageGraph, LineageNode
from lifecycle.figures.ring import PhaseRing, PhaseStrip, RingLoop, RingPhase
from lifecycle.figures.rollout import RolloutBar
from lifecycle.figures.series import Series, SeriesChart, SeriesEvent, SeriesLimit
from lifecycle.figures.sparkline import Sparkline
from lifecycle.figures.timeline import (
    IterationTimeline,
    TimelineGate,
    TimelineMark,
    TimelinePhase,
    TimelineRow,
    TimelineSpan,
)

__all__ = [
    "AgeBar",
    "Bullet",
    "DriftHistogram",
    "Figure",
    "HeatCell",
    "HeatMap",
    "HeatRow",
    "IterationTimeline",
    "LineageGraph",
    "LineageNode",
    "PhaseRing",
    "PhaseStrip",
    "PsiBar",
    "PsiBars",
    "RingLoop",
    "RingPhase",
    "RolloutBar",
    "Series",
    "SeriesChart",
    "SeriesEvent",
    "SeriesLimit",
    "Sparkline",
    "TimelineGate",
    "TimelineMark",
    "TimelinePhase",
    "TimelineRow",
    "TimelineSpan",
    "render_figure",
]
