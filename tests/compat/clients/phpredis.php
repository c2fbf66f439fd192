<?php
// phpredis, as an application uses it: the steps of ../README.md. A worker of its own is a process of its own.

function key_of(string $name): string {
    return getenv('COMPAT_PREFIX') . $name;
}

function connected(?string $password = null): Redis {
    $client = new Redis();
    $client->connect(getenv('REDIS_HOST'), (int)getenv('REDIS_PORT'), 5);
    $client->auth($password ?? getenv('REDIS_PASSWORD'));
    $client->select((int)getenv('REDIS_DB'));
    return $client;
}

function expect($expected, $actual): void {
    if ($expected === $actual) return;
    throw new Exception('expected ' . var_export($expected, true) . ', not ' . var_export($actual, true));
}

// Most errors are a false, with the text to be asked for.
function expect_error(string $prefix, Redis $client, callable $call): void {
    $client->clearLastError();
    try {
        $result = $call();
        if (is_array($result)) $result = array_filter($result) ?: false;
        expect(false, $result);
        $error = (string)$client->getLastError();
    } catch (RedisException $exception) {
        $error = $exception->getMessage();
    }
    expect($prefix, substr($error, 0, strlen($prefix)));
}

function until(callable $condition): void {
    while (!$condition()) usleep(5000);
}

// Runs the body in another process, which must not share a connection.
function in_background(callable $body): int {
    $child = pcntl_fork();
    if ($child > 0) return $child;
    try {
        $body();
    } catch (Throwable $error) {
        fwrite(STDERR, "$error\n");
        posix_kill(getmypid(), SIGABRT);
    }
    leave();
}

// Ends this process without the destructors of the parent's connections.
function leave(): void {
    posix_kill(getmypid(), SIGKILL);
}

function expect_end_of(int $child): void {
    pcntl_waitpid($child, $status);
    expect(SIGKILL, pcntl_wtermsig($status));
}

function connect(): void {
    $client = connected();
    expect(true, $client->ping());
    expect(true, $client->client('setname', 'web-1'));
    expect('web-1', $client->client('getname'));
    expect((int)getenv('REDIS_DB'), $client->getDBNum());
    $info = $client->rawCommand('CLIENT', 'INFO');
    expect(1, preg_match('/ db=' . getenv('REDIS_DB') . ' /', $info));
    expect_error('WRONGPASS', $client, fn() => connected('wrong'));
    expect(true, $client->close());
}

function values(): void {
    $client = connected();
    $lock = key_of('lock');
    expect(true, $client->set($lock, 'me', ['nx', 'px' => 30000]));
    expect(false, $client->set($lock, 'you', ['nx']));
    expect(true, $client->pttl($lock) > 20000);
    expect('me', $client->rawCommand('GETDEL', $lock));
    expect(false, $client->get($lock));

    expect(1, $client->incr(key_of('count')));
    expect(42, $client->incrBy(key_of('count'), 41));
    expect_error('WRONGTYPE', $client, fn() => $client->xAdd(key_of('count'), '*', ['a' => 'b']));
    $client->mset([key_of('a') => 'naïve', key_of('b') => '']);
    expect(['naïve', '', false], $client->mget([key_of('a'), key_of('b'), key_of('none')]));
}

function pipeline(): void {
    $client = connected();
    $log = key_of('log');
    $adds = $client->pipeline();
    for ($i = 0; $i < 1000; $i++) $adds->xAdd($log, '*', ['i' => $i]);
    expect(1000, count(array_unique($adds->exec())));
    expect(1000, $client->xLen($log));

    $seen = 0;
    $start = '-';
    while ($page = $client->xRange($log, $start, '+', 100)) {
        foreach ($page as $id => $fields) expect(['i' => (string)$seen++], $fields);
        $start = "($id";
    }
    expect(1000, $seen);
}

function transaction(): void {
    $client = connected();
    $replies = $client->multi()->incr(key_of('orders'))->xAdd(key_of('events'), '1-1', ['order' => 1])->exec();
    expect([1, '1-1'], $replies);

    $other = connected();
    $client->watch(key_of('orders'));
    $other->incr(key_of('orders'));
    expect(false, $client->multi()->set(key_of('orders'), 0)->exec());
    expect('2', $client->get(key_of('orders')));

    expect([false, 3], $client->multi()->incr(key_of('events'))->incr(key_of('orders'))->exec());
    expect_error('EXECABORT', $client, function () use ($client) {
        $client->rawCommand('MULTI');
        $client->rawCommand('NOSUCH');
        return $client->rawCommand('EXEC');
    });
    expect('3', $client->get(key_of('orders')));
}

function work(string $queue, string $name): void {
    $client = connected();
    while (!$client->exists("$queue:closed") || $client->xPending($queue, 'workers')[0] > 0) {
        $entries = $client->xReadGroup('workers', $name, [$queue => '>'], 10, 50)[$queue] ?? [];
        handle($client, $queue, array_keys($entries));
    }
}

function rescue(string $queue): void {
    $client = connected();
    while (!$client->exists("$queue:closed") || $client->xPending($queue, 'workers')[0] > 0) {
        $start = '0-0';
        do {
            $reply = $client->rawCommand('XAUTOCLAIM', $queue, 'workers', 'rescue', 300, $start, 'COUNT', 2);
            [$start, $entries] = $reply;
            handle($client, $queue, array_column($entries, 0));
        } while ($start !== '0-0');
    }
}

function handle(Redis $client, string $queue, array $ids): void {
    foreach ($ids as $id) {
        if ($client->xAck($queue, 'workers', [$id]) === 1) $client->xAdd("$queue:handled", '*', ['job' => $id]);
    }
}

function jobs(): void {
    $queue = key_of('jobs');
    $client = connected();
    expect(true, $client->xGroup('CREATE', $queue, 'workers', '$', true));
    expect_error('BUSYGROUP', $client, fn() => $client->xGroup('CREATE', $queue, 'workers', '$'));
    expect_error('NOGROUP', $client, fn() => $client->xReadGroup('nobody', 'me', [$queue => '>']));

    // One worker waits, takes five jobs and dies with them.
    $dying = in_background(function () use ($queue) {
        $reply = connected()->xReadGroup('workers', 'dead', [$queue => '>'], 5, 10000);
        expect(5, count($reply[$queue]));
    });
    until(fn() => array_filter($client->client('list'), fn($c) => $c['cmd'] === 'xreadgroup'));
    $first = $client->multi();
    for ($i = 0; $i < 5; $i++) $first->xAdd($queue, '*', ['job' => $i]);
    $produced = $first->exec();
    expect_end_of($dying);
    [$pending, , , $consumers] = $client->xPending($queue, 'workers');
    expect(5, $pending);
    expect([['dead', '5']], $consumers);
    expect($produced[4], $client->xPending($queue, 'workers', '-', '+', 10)[4][0]);

    // Two others go on, and take over what has been idle for too long.
    $workers = [in_background(fn() => work($queue, 'w1')), in_background(fn() => work($queue, 'w2'))];
    $workers[] = in_background(fn() => rescue($queue));
    $end = microtime(true) + (float)getenv('COMPAT_SECONDS');
    while (microtime(true) < $end) {
        $batch = $client->pipeline();
        for ($i = 0; $i < 20; $i++) $batch->xAdd($queue, '*', ['job' => 'more']);
        array_push($produced, ...$batch->exec());
        until(fn() => count($produced) - $client->xLen("$queue:handled") < 500);
    }
    until(fn() => $client->xLen("$queue:handled") >= count($produced));
    $client->set("$queue:closed", 'yes');
    array_map('expect_end_of', $workers);
    $handled = array_column(array_values($client->xRange("$queue:handled", '-', '+')), 'job');
    sort($handled);
    sort($produced);
    expect($produced, $handled);
    $group = $client->xInfo('GROUPS', $queue)[0];
    expect(0, $group['pending']);
    expect(0, $group['lag']);
}

function pubsub(): void {
    // subscribe() never returns: what ends is the process.
    $listener = in_background(function () {
        $heard = [];
        connected()->subscribe([key_of('news')], function ($client, $channel, $message) use (&$heard) {
            $heard[] = $message;
            if ($message !== 'end') return;
            expect([...array_map('strval', range(0, 99)), 'end'], $heard);
            $client->unsubscribe([$channel]);
            expect(1, $client->publish(key_of('user'), 'user')); // the connection serves commands again
            leave();
        });
    });
    $patterns = in_background(function () {
        connected()->psubscribe([key_of('u*')], function ($client, $pattern, $channel, $message) {
            expect($channel, key_of($message));
            if ($message === 'unsubscribed') leave();
        });
    });
    $client = connected();
    until(fn() => $client->pubsub('numsub', [key_of('news')])[key_of('news')] == 1);
    until(fn() => $client->publish(key_of('user'), 'user') === 1);
    for ($i = 0; $i < 100; $i++) {
        expect(1, $client->publish(key_of('news'), $i));
        expect(1, $client->publish(key_of("user:$i"), "user:$i"));
    }
    expect(1, $client->publish(key_of('news'), 'end'));
    expect_end_of($listener);
    expect(1, $client->publish(key_of('unsubscribed'), 'unsubscribed'));
    expect_end_of($patterns);
    expect(0, $client->publish(key_of('news'), 'nobody listens'));
}

function reconnect(): void {
    $client = connected();
    $killer = connected();
    $client->set(key_of('kept'), 'yes');
    $id = $client->rawCommand('CLIENT', 'ID');
    expect(1, $killer->rawCommand('CLIENT', 'KILL', 'ID', $id));

    // Password and database are there again.
    expect('yes', $client->get(key_of('kept')));
    expect(true, $client->rawCommand('CLIENT', 'ID') > $id);
}

function scan(): void {
    $client = connected();
    $writes = $client->pipeline();
    for ($i = 0; $i < 500; $i++) $writes->set(key_of("scan:$i"), $i);
    for ($i = 0; $i < 100; $i++) $writes->xAdd(key_of("scan:stream:$i"), '*', ['i' => $i]);
    $writes->exec();
    $client->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    $found = [];
    $cursor = null;
    while ($names = $client->scan($cursor, key_of('scan:*'), 50)) $found += array_flip($names);
    expect(600, count($found));
    $found = [];
    $cursor = null;
    while ($names = $client->scan($cursor, key_of('scan:*'), 50, 'stream')) $found += array_flip($names);
    expect(100, count($found));
}

$steps = ['connect', 'values', 'pipeline', 'transaction', 'jobs', 'pubsub', 'reconnect', 'scan'];
foreach ($argc > 1 ? array_intersect($steps, $argv) : $steps as $step) {
    $step();
    echo "  ok $step\n";
}
