"""At no moment does the gate check allow what enough different, entitled people have not signed as it is now.

Ten thousand random steps, judged by a model that knows nothing of the product (docs/gate-walk.md).
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.extra.django import TestCase

from tests.governance.gate_walk import Clock, GateWalk, Home

# 48 runs are a little over 10,000 steps: one to three minutes of one processor. WALK_RUNS=400 for a long one.
RUNS = int(os.environ.get("WALK_RUNS", "48"))
STEPS = 260

# The longest test of all begins first, so that nobody waits for it at the end.
pytestmark = pytest.mark.slow


class TestGateWalk(GateWalk.TestCase, TestCase):
    """Each run starts from the same rows, made once, and is rolled back to them."""

    settings = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        database=None,
    )

    @classmethod
    def setUpClass(cls):
        cls.patch = pytest.MonkeyPatch()
        cls.patch.setattr("django.utils.timezone.datetime", Clock)
        super().setUpClass()

    @classmethod
    def setUpTestData(cls):
        GateWalk.home = Home()
        GateWalk.seen.clear()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.patch.undo()

    def runTest(self):  # noqa: N802  (unittest's name)
        super().runTest()
        seen = GateWalk.seen
        # A walk that nobody gets anywhere in would find nothing either.
        assert seen["steps"] >= min(10_000, RUNS * 210)
        assert seen["allow, fair"] > RUNS
        assert seen["gate passed"] + seen["gate conditional"] > RUNS
        assert seen["crash"]
        assert not seen["allow, not fair"]
