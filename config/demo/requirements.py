"""The requirements of the demo stories, as limits for metrics of runs.

The numbers stand where an honest model on these data holds them with a margin, and where the flawed
one of the first try does not.
"""

from typing import Any

Requirement = dict[str, Any]


def _need(
    key: str, statement: str, metric: str, operator: str, limit: float, cut: str | None, why: str
) -> Requirement:
    return {
        "key": key,
        "statement": statement,
        "metric": metric,
        "operator": operator,
        "limit": limit,
        "slice": cut,
        "blocking": True,
        "gate": "deployment",
        "rationale": why,
    }


def pizzatron_requirements() -> list[Requirement]:
    """What the franchise asks of Pizzatron, as limits for metrics of a training run."""
    return [
        _need(
            "ranking-quality",
            "The three promotions recommended are worth at least 90 % of the best three possible.",
            "ndcg_at_3",
            ">=",
            0.90,
            None,
            "Below that, owners do better with their own judgement.",
        ),
        _need(
            "better-than-last-year",
            "The recommendations beat last year's best-sellers of the region by at least 0.05.",
            "ndcg_at_3_vs_baseline",
            ">=",
            0.05,
            None,
            "Last year's list costs nothing; a model has to be clearly better.",
        ),
        _need(
            "christmas-quality",
            "The same quality holds in December.",
            "ndcg_at_3",
            ">=",
            0.90,
            "month=12",
            "A tenth of the year's sales falls into these weeks, and a good average can hide them.",
        ),
        _need(
            "christmas-better-than-last-year",
            "In December, too, the recommendations beat last year's best-sellers.",
            "ndcg_at_3_vs_baseline",
            ">=",
            0.05,
            "month=12",
            "The benchmark is strongest in the season that repeats itself.",
        ),
        _need(
            "no-empty-shelves",
            "At most 2 % of the recommendations lack the ingredients.",
            "infeasible_rate_at_3",
            "<=",
            0.02,
            None,
            "A promotion that cannot be baked angers guests and owners.",
        ),
        _need(
            "christmas-shelves",
            "In December, too, at most 2 % of the recommendations lack the ingredients.",
            "infeasible_rate_at_3",
            "<=",
            0.02,
            "month=12",
            "What everybody wants at Christmas runs out first, and a year's average hides it.",
        ),
    ]


def pizzatron_country_requirements() -> list[Requirement]:
    """Added in iteration 2: the quality has to hold in each country by itself."""
    names = {"US": "the United States", "IT": "Italy", "JP": "Japan"}
    needs = []
    for code, name in names.items():
        needs.append(
            _need(
                f"ranking-quality-{code.lower()}",
                f"The ranking quality of 0.90 is reached in {name}.",
                "ndcg_at_3",
                ">=",
                0.90,
                f"country={code}",
                "An average over countries may hide one where the model fails.",
            )
        )
        needs.append(
            _need(
                f"better-than-last-year-{code.lower()}",
                f"The recommendations beat last year's best-sellers in {name}.",
                "ndcg_at_3_vs_baseline",
                ">=",
                0.03,
                f"country={code}",
                "The local benchmark is what local owners would use instead.",
            )
        )
    return needs


def flights_requirements() -> list[Requirement]:
    """What is asked of the forecast of late arrivals."""
    needs = [
        _need(
            "forecast-error",
            "The Brier score of the forecast is at most 0.19.",
            "brier",
            "<=",
            0.19,
            None,
            "Always forecasting the mean share gives about 0.18 in winter and 0.20 over the summer.",
        ),
        _need(
            "better-than-carrier",
            "The forecast beats the carrier's own record of late flights.",
            "brier_vs_baseline",
            ">=",
            0.004,
            None,
            "The carrier's share of late flights is a table that anybody can look up.",
        ),
        _need(
            "tells-apart",
            "The area under the ROC curve is at least 0.65.",
            "roc_auc",
            ">=",
            0.65,
            None,
            "Passengers use the forecast to choose between flights.",
        ),
        _need(
            "calibrated",
            "The mean forecast differs from the share of late flights by at most 0.03.",
            "calibration_gap",
            "<=",
            0.03,
            None,
            "A forecast of 30 % has to come true three times in ten.",
        ),
    ]
    needs.extend(
        _need(
            f"calibrated-{airport.lower()}",
            f"The forecast for {airport} is calibrated within 0.05.",
            "calibration_gap",
            "<=",
            0.05,
            f"origin={airport}",
            "Each airport's passengers rely on it.",
        )
        for airport in ("EWR", "JFK", "LGA")
    )
    return needs
