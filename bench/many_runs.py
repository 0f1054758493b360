"""Very many runs in seconds: copies by SQL of one run that came in by the API, each with words of its own."""

from django.db import connection

TITLES = "ARRAY['Ridge', 'Forest', 'Boosting', 'Network', 'Baseline', 'Nearest', 'Linear', 'Tree']"
KINDS = "ARRAY['TRN', 'TRN', 'TRN', 'TRN', 'TRN', 'EVR', 'MON', 'MON', 'DVR', 'DPR']"
SOURCES = "ARRAY['mlflow:1', 'mlflow:1', 'mlflow:1', 'openlineage', 'api']"
LUCK = "(n * 2654435761 %% 4294967296)"
"""A number that looks like chance and is the same each time."""


def fill_runs(like: int, count: int, first: int = 1) -> None:
    """Copy the run with the id `like` `count` times.

    Kinds, sources and titles differ, 4 in 100 have failed, 1 in 1,000 is under way; they began within two
    years, roughly in the order of their ids. The main metric and a parameter have values of their own.
    """
    from lifecycle.models import Run  # noqa: PLC0415  # needs the settings

    state = (
        f"CASE WHEN {LUCK} %% 1000 = 7 THEN 'running' WHEN {LUCK} %% 25 = 3 THEN 'failed' ELSE 'finished' END"
    )
    began = (
        f"TIMESTAMPTZ '2024-01-01' + (n * (730.0 / {first + count}) * INTERVAL '1 day') + {LUCK} %% 86400 * "
        "INTERVAL '1 second'"
    )
    changed = {
        "external_id": "'copy-' || n",
        "title": f"({TITLES})[1 + {LUCK} / 7 %% 8] || ' ' || n",
        "kind": f"({KINDS})[1 + {LUCK} / 11 %% 10]",
        "source": f"({SOURCES})[1 + {LUCK} / 13 %% 5]",
        "state": state,
        "error": f"CASE WHEN ({state}) = 'failed' THEN 'out of memory' ELSE '' END",
        "started_at": began,
        "finished_at": f"CASE WHEN ({state}) = 'running' THEN NULL ELSE {began} + INTERVAL '5 minutes' END",
        "created_at": f"{began} + INTERVAL '6 minutes'",
        "record": "jsonb_set(jsonb_set(r.record, '{metrics,metric_0}', to_jsonb("
        f"{LUCK} %% 100000 / 100000.0)), "
        f"'{{parameters,param_0}}', to_jsonb(('depth-' || {LUCK} %% 50)::text))",
    }
    names = [str(field.column) for field in Run._meta.concrete_fields if field.column != "id"]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'r."{name}"') for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO lifecycle_run ({columns}) SELECT {values} FROM lifecycle_run r, "
            "generate_series(%s::bigint, %s::bigint) n WHERE r.id = %s ORDER BY n",
            [first, first + count - 1, like],
        )
        cursor.execute("VACUUM (ANALYZE) lifecycle_run")
