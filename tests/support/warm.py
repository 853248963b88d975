"""Imported before forking: loads once what every process over the database needs."""

from app.config import Settings
from tests.support.builders import SECRET, idle_on

idle_on(Settings(secret=SECRET, endpoint="http://127.0.0.1:9")).database.close()
