"""gunicorn's own settings, read by gunicorn when `./gatebook serve` starts it."""

from config.env import Env
from config.logs import log_settings

_env = Env()

workers = _env.int("GATEBOOK_WEB_PROCESSES", default=2)
# Threads, although single-threaded workers answer faster: browsers open spare connections on which they then
# say nothing, and each would hold such a worker until its time is up.
worker_class = "gthread"
threads = 4
# Loaded once and shared after the fork: half the start and half the memory of loading it in each process.
preload_app = True
timeout = 120
graceful_timeout = 15
# Fresh processes now and then, so that no slow leak in a native library grows for ever.
max_requests = 5_000
max_requests_jitter = 500
control_socket_disable = True
logconfig_dict = log_settings(
    _env.str("GATEBOOK_LOG_FORMAT", default="text"), _env.str("GATEBOOK_LOG_LEVEL", default="INFO")
)
