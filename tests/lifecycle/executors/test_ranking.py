import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from lifecycle.executors.ranking import Candidates, score_groups


def items(relevance, feasible=None, group=None, k=3, *, filtered=False):
    worth = np.array(relevance, dtype=float)
    able = np.ones(worth.size, dtype=bool) if feasible is None else np.array(feasible)
    groups = np.zeros(worth.size, dtype=np.int64) if group is None else np.array(group)
    return Candidates(groups, worth, able, k, filtered)


@examples(
    st.permutations(range(8)),
    st.lists(st.floats(0, 100), min_size=8, max_size=8).filter(any),
    st.integers(1, 8),
)
def test_ndcg_is_that_of_scikit_learn(order, relevance, k):
    score = np.array(order, dtype=float)

    found = score_groups(items(relevance, k=k), score).ndcg

    expected = ndcg_score([relevance], [score], k=k)
    assert found == pytest.approx([expected], abs=1e-9)


def test_groups_are_judged_apart():
    worth, group = [3, 2, 1, 1, 2, 3], [0, 0, 0, 1, 1, 1]

    found = score_groups(items(worth, group=group, k=1), np.array([9.0, 1, 1, 9, 1, 1]))

    assert found.ndcg.tolist() == [1.0, pytest.approx(1 / 3)]


def test_what_cannot_be_done_is_counted_among_the_best_only():
    found = score_groups(items([5, 4, 3, 2], [False, True, False, True], k=2), np.array([4.0, 3, 2, 1]))

    assert (found.recommended, found.infeasible, found.infeasible_rate) == (2, 1, 0.5)


def test_the_filter_takes_it_out_of_answer_and_ideal():
    found = score_groups(
        items([5, 4, 3, 2], [False, True, True, True], k=2, filtered=True), np.array([9.0, 3, 2, 1])
    )

    assert found.ndcg.tolist() == [1.0]
    assert found.infeasible == 0


def test_a_group_with_nothing_to_do_is_left_out():
    found = score_groups(items([5, 4], [False, False], filtered=True), np.array([1.0, 2.0]))

    assert found.ndcg.size == 0
    assert found.infeasible_rate is None
