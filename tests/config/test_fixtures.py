import pytest
from celery import Celery
from redis import Redis

from tests.patience import PATIENCE


def test_redis_is_a_real_one(redis_url):
    server = Redis.from_url(redis_url.replace("redis+socket", "unix"))

    assert server.ping()
    assert server.set("key", "value")
    server.close()


def test_celery_reaches_redis(redis_url):
    app = Celery(broker=redis_url, set_as_current=False)

    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=2)
        queue = connection.SimpleQueue("gatebook-test")
        queue.put({"run": 1})

        assert queue.get(timeout=PATIENCE).payload == {"run": 1}
        queue.close()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_browser_reaches_the_live_site(page):
    answer = page.goto("/healthz")

    assert answer.status == 200
    assert answer.json() == {"status": "ok"}
