"""The outbox: a task is a row that commits together with the data that it is about, so no task is lost and none is sent in vain.

A task whose base is :class:`foundation.outbox.tasks.Task` is written here by ``delay``. After the commit it goes to Redis;
whoever runs it marks the row as done in the transaction of its own work. A row that is not done in time is sent again
by ``relay``, which beat calls: after an outage of Redis, a Redis that lost its contents, or a worker that died.
"""
