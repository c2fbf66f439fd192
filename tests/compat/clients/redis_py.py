"""redis-py, as an application uses it: the steps of ../README.md."""
import os
import sys
import threading
import time

import redis

URL = os.environ["REDIS_URL"]
PREFIX = os.environ["COMPAT_PREFIX"]
SECONDS = float(os.environ["COMPAT_SECONDS"])


def key(name):
    return PREFIX + name


def connected(**options):
    return redis.Redis.from_url(URL, decode_responses=True, **options)


def fails(error, text, call):
    try:
        call()
    except error as failure:
        assert text in str(failure), failure
    else:
        raise AssertionError(f"no {error.__name__}: {text}")


def until(condition):
    while not condition():
        time.sleep(0.005)


def connect():
    client = connected(client_name="web-1")
    assert client.ping()
    assert client.client_getname() == "web-1"
    assert str(client.client_info()["db"]) == os.environ["REDIS_DB"]
    wrong = redis.Redis.from_url(URL.replace(os.environ["REDIS_PASSWORD"], "wrong"))
    fails(redis.ResponseError, "WRONGPASS invalid username-password pair", wrong.ping)
    anonymous = redis.Redis(os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"]))
    fails(redis.AuthenticationError, "Authentication required", anonymous.ping)


def values():
    client = connected()
    lock = key("lock")
    assert client.set(lock, "me", nx=True, px=30_000)
    assert client.set(lock, "you", nx=True) is None
    assert client.pttl(lock) > 20_000
    assert client.getdel(lock) == "me"
    assert client.get(lock) is None

    assert client.incr(key("count")) == 1
    assert client.incrby(key("count"), 41) == 42
    fails(redis.ResponseError, "WRONGTYPE", lambda: client.xadd(key("count"), {"a": "b"}))
    client.mset({key("a"): "naïve", key("b"): ""})
    assert client.mget(key("a"), key("b"), key("none")) == ["naïve", "", None]


def pipeline():
    client = connected()
    log = key("log")
    adds = client.pipeline(transaction=False)
    for i in range(1000):
        adds.xadd(log, {"i": i})
    assert len(set(adds.execute())) == 1000
    assert client.xlen(log) == 1000

    seen, start = 0, "-"
    while page := client.xrange(log, start, "+", count=100):
        for _, fields in page:
            assert fields == {"i": str(seen)}
            seen += 1
        start = "(" + page[-1][0]
    assert seen == 1000


def transaction():
    client = connected()
    assert client.pipeline().incr(key("orders")).xadd(key("events"), {"order": 1}, id="1-1").execute() == [1, "1-1"]

    other = connected()
    with client.pipeline() as optimistic:
        optimistic.watch(key("orders"))
        other.incr(key("orders"))
        optimistic.multi()
        optimistic.set(key("orders"), 0)
        fails(redis.WatchError, "Watched variable changed", optimistic.execute)
    assert client.get(key("orders")) == "2"
    assert client.transaction(lambda p: (p.multi(), p.incr(key("orders"))), key("orders")) == [3]

    failed = client.pipeline().incr(key("events")).incr(key("orders")).execute(raise_on_error=False)
    assert "WRONGTYPE" in str(failed[0]) and failed[1] == 4
    aborted = client.pipeline().execute_command("NOSUCH").incr(key("orders"))
    fails(redis.ResponseError, "unknown command 'NOSUCH'", aborted.execute)
    assert client.get(key("orders")) == "4"


class Jobs:
    """A queue that two workers and a rescuer empty while it is filled."""

    def __init__(self, queue):
        self.queue = queue
        self.handled = []
        self.is_open = True

    def handle(self, client, entries):
        for entry, _ in entries:
            if client.xack(self.queue, "workers", entry) == 1:
                self.handled.append(entry)

    def work(self, name):
        client = connected()
        while True:
            reply = client.xreadgroup("workers", name, {self.queue: ">"}, count=10, block=50)
            if not reply and not self.is_open:
                return
            for _, entries in reply:
                self.handle(client, entries)

    def rescue(self):
        client = connected()
        while self.is_open or client.xpending(self.queue, "workers")["pending"] > 0:
            start = "0-0"
            while True:
                start, entries, _ = client.execute_command(
                    "XAUTOCLAIM", self.queue, "workers", "rescue", 300, start, "COUNT", 2)
                self.handle(client, entries)
                if start == "0-0":
                    break


def jobs():
    queue = key("jobs")
    client = connected()
    client.xgroup_create(queue, "workers", "$", mkstream=True)
    fails(redis.ResponseError, "BUSYGROUP", lambda: client.xgroup_create(queue, "workers", "$"))
    fails(redis.ResponseError, "NOGROUP", lambda: client.xreadgroup("nobody", "me", {queue: ">"}))

    # One worker waits, takes five jobs and dies with them.
    taken = []
    dying = connected()
    waiting = threading.Thread(
        target=lambda: taken.extend(dying.xreadgroup("workers", "dead", {queue: ">"}, count=5, block=10_000)))
    waiting.start()
    until(lambda: any(c["cmd"] == "xreadgroup" for c in client.client_list()))
    first = client.pipeline()
    for i in range(5):
        first.xadd(queue, {"job": i})
    produced = first.execute()
    waiting.join()
    assert [entry for entry, _ in taken[0][1]] == produced
    dying.connection_pool.disconnect()
    summary = client.xpending(queue, "workers")
    assert summary["pending"] == 5 and summary["consumers"] == [{"name": "dead", "pending": 5}]
    assert client.xpending_range(queue, "workers", "-", "+", 10)[4]["message_id"] == produced[4]

    # Two others go on, and take over what has been idle for too long.
    run = Jobs(queue)
    threads = [threading.Thread(target=run.work, args=(name,)) for name in ("w1", "w2")]
    threads.append(threading.Thread(target=run.rescue))
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        batch = client.pipeline(transaction=False)
        for _ in range(20):
            batch.xadd(queue, {"job": "more"})
        produced.extend(batch.execute())
        until(lambda: len(produced) - len(run.handled) < 500)
    until(lambda: len(run.handled) >= len(produced))
    run.is_open = False
    for thread in threads:
        thread.join()
    assert sorted(run.handled) == sorted(produced)
    group = client.xinfo_groups(queue)[0]
    assert group["pending"] == 0 and group["lag"] == 0, group
    assert all(consumer["pending"] == 0 for consumer in client.xinfo_consumers(queue, "workers"))


def pubsub():
    client = connected()
    subscriber = client.pubsub()
    subscriber.subscribe(key("news"))
    subscriber.psubscribe(key("user:*"))
    assert [subscriber.get_message(timeout=10)["data"] for _ in range(2)] == [1, 2]
    assert client.pubsub_numsub(key("news")) == [(key("news"), 1)]
    for i in range(100):
        assert client.publish(key("news"), i) == 1
        assert client.publish(key(f"user:{i}"), "hello") == 1
    for i in range(100):
        plain, patterned = subscriber.get_message(timeout=10), subscriber.get_message(timeout=10)
        assert (plain["type"], plain["data"]) == ("message", str(i))
        assert (patterned["type"], patterned["channel"]) == ("pmessage", key(f"user:{i}"))
    subscriber.unsubscribe()
    subscriber.punsubscribe()
    assert [subscriber.get_message(timeout=10)["data"] for _ in range(2)] == [1, 0]
    assert client.publish(key("news"), "nobody listens") == 0


def reconnect():
    client, killer = connected(client_name=key("victim")), connected()
    subscriber = client.pubsub()
    subscriber.subscribe(key("after"))
    assert subscriber.get_message(timeout=10)["data"] == 1
    client.set(key("kept"), "yes")
    assert killer.client_kill_filter(_id=client.client_id()) == 1
    listeners = [c["id"] for c in killer.client_list(_type="pubsub") if c["name"] == key("victim")]
    assert killer.client_kill_filter(_id=listeners[0]) == 1

    # Password, database, name and subscriptions are there again.
    assert client.get(key("kept")) == "yes"
    assert client.client_getname() == key("victim")
    fails(redis.ConnectionError, "", lambda: subscriber.get_message(timeout=10))
    assert subscriber.get_message(timeout=10)["type"] == "subscribe"
    assert killer.publish(key("after"), "back") == 1
    assert subscriber.get_message(timeout=10)["data"] == "back"


def scan():
    client = connected()
    writes = client.pipeline(transaction=False)
    for i in range(500):
        writes.set(key(f"scan:{i}"), i)
    for i in range(100):
        writes.xadd(key(f"scan:stream:{i}"), {"i": i})
    writes.execute()
    assert len(set(client.scan_iter(match=key("scan:*"), count=50))) == 600
    assert len(set(client.scan_iter(match=key("scan:*"), _type="stream"))) == 100


for step in (connect, values, pipeline, transaction, jobs, pubsub, reconnect, scan):
    if len(sys.argv) == 1 or step.__name__ in sys.argv[1:]:
        step()
        print(f"  ok {step.__name__}")
