// node-redis, as an application uses it: the steps of ../README.md.
'use strict';

const assert = require('node:assert/strict');
const { createClient, WatchError } = require('redis');
const { key, run, seconds, until } = require('./steps');

const url = process.env.REDIS_URL;
const RESP = Number(process.env.REDIS_PROTOCOL);

function connected(options = {}) {
  return createClient({ url, RESP, ...options })
    .on('error', () => {})
    .connect();
}

async function connect() {
  const client = await connected({ name: 'web-1' });
  assert.equal(await client.ping(), 'PONG');
  assert.equal(await client.clientGetName(), 'web-1');
  const info = await client.clientInfo();
  assert.equal(info.db, Number(process.env.REDIS_DB));
  assert.equal(info.resp, RESP);

  const refused = { url: url.replace(process.env.REDIS_PASSWORD, 'wrong'), socket: { reconnectStrategy: false } };
  await assert.rejects(connected(refused), /WRONGPASS/);
  client.destroy();
}

async function values() {
  const client = await connected();
  const lock = key('lock');
  assert.equal(await client.set(lock, 'me', { condition: 'NX', expiration: { type: 'PX', value: 30_000 } }), 'OK');
  assert.equal(await client.set(lock, 'you', { condition: 'NX' }), null);
  assert.ok((await client.pTTL(lock)) > 20_000);
  assert.equal(await client.getDel(lock), 'me');
  assert.equal(await client.get(lock), null);

  assert.equal(await client.incr(key('count')), 1);
  assert.equal(await client.incrBy(key('count'), 41), 42);
  await assert.rejects(client.xAdd(key('count'), '*', { a: 'b' }), /WRONGTYPE/);
  await client.mSet([key('a'), 'naïve', key('b'), '']);
  assert.deepEqual(await client.mGet([key('a'), key('b'), key('none')]), ['naïve', '', null]);
  client.destroy();
}

async function pipeline() {
  const client = await connected();
  const log = key('log');
  const ids = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.xAdd(log, '*', { i: `${i}` })));
  assert.equal(await client.xLen(log), 1000);
  assert.equal(new Set(ids).size, 1000);

  let seen = 0;
  for (let start = '-'; ; ) {
    const page = await client.xRange(log, start, '+', { COUNT: 100 });
    if (page.length === 0) break;
    for (const entry of page) assert.equal(entry.message.i, `${seen++}`);
    start = `(${page.at(-1).id}`;
  }
  assert.equal(seen, 1000);
  client.destroy();
}

async function transaction() {
  const client = await connected();
  const replies = await client.multi().incr(key('orders')).xAdd(key('events'), '1-1', { order: '1' }).exec();
  assert.deepEqual(replies, [1, '1-1']);

  const other = await connected();
  await client.watch(key('orders'));
  await other.incr(key('orders'));
  await assert.rejects(client.multi().set(key('orders'), '0').exec(), WatchError);
  assert.equal(await client.get(key('orders')), '2');

  const failed = await client.multi().incr(key('events')).incr(key('orders')).exec().catch((error) => error);
  assert.match(failed.replies[0].message, /WRONGTYPE/);
  assert.equal(failed.replies[1], 3);
  await assert.rejects(client.multi().addCommand(['NOSUCH']).exec(), /unknown command 'NOSUCH'/);
  assert.equal(await client.get(key('orders')), '3');
  client.destroy();
  other.destroy();
}

async function jobs() {
  const queue = key('jobs');
  const client = await connected();
  await client.xGroupCreate(queue, 'workers', '$', { MKSTREAM: true });
  await assert.rejects(client.xGroupCreate(queue, 'workers', '$'), /BUSYGROUP/);
  await assert.rejects(client.xReadGroup('nobody', 'me', { key: queue, id: '>' }), /NOGROUP/);

  // One worker waits, takes five jobs and dies with them.
  const dying = await connected();
  const taken = dying.xReadGroup('workers', 'dead', { key: queue, id: '>' }, { COUNT: 5, BLOCK: 10_000 });
  const produced = [];
  await until(async () => (await client.clientList()).some((c) => c.cmd === 'xreadgroup'));
  const first = client.multi();
  for (let i = 0; i < 5; i++) first.xAdd(queue, '*', { job: `${i}` });
  produced.push(...(await first.exec()));
  assert.deepEqual((await taken)[0].messages.map((entry) => entry.id), produced);
  dying.destroy();
  const summary = await client.xPending(queue, 'workers');
  assert.equal(summary.pending, 5);
  assert.deepEqual({ ...summary.consumers[0] }, { name: 'dead', deliveriesCounter: 5 });
  assert.equal((await client.xPendingRange(queue, 'workers', '-', '+', 10))[4].id, produced[4]);

  // Two others go on, and take over what has been idle for too long.
  const handled = [];
  let open = true;
  async function work(name) {
    const worker = await connected();
    for (;;) {
      const reply = await worker.xReadGroup('workers', name, { key: queue, id: '>' }, { COUNT: 10, BLOCK: 50 });
      if (!reply && !open) break;
      for (const { id } of reply ? reply[0].messages : []) {
        if ((await worker.xAck(queue, 'workers', id)) === 1) handled.push(id);
      }
    }
    worker.destroy();
  }
  async function recover() {
    const worker = await connected();
    while (open || (await worker.xPending(queue, 'workers')).pending > 0) {
      for (let start = '0-0'; ; ) {
        const claimed = await worker.xAutoClaim(queue, 'workers', 'rescue', 300, start, { COUNT: 2 });
        for (const { id } of claimed.messages) {
          if ((await worker.xAck(queue, 'workers', id)) === 1) handled.push(id);
        }
        if ((start = claimed.nextId) === '0-0') break;
      }
    }
    worker.destroy();
  }
  const workers = [work('w1'), work('w2'), recover()];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    produced.push(...(await Promise.all(Array.from({ length: 20 }, () => client.xAdd(queue, '*', { job: 'more' })))));
    await until(() => produced.length - handled.length < 500);
  }
  await until(() => handled.length >= produced.length);
  open = false;
  await Promise.all(workers);
  assert.deepEqual(handled.sort(), produced.sort());
  const [group] = await client.xInfoGroups(queue);
  assert.equal(group.pending, 0);
  assert.equal(group.lag, 0);
  assert.ok((await client.xInfoConsumers(queue, 'workers')).every((consumer) => consumer.pending === 0));
  client.destroy();
}

async function pubsub() {
  const subscriber = await connected();
  const publisher = await connected();
  const heard = [];
  await subscriber.subscribe(key('news'), (message) => heard.push(message));
  await subscriber.pSubscribe(key('user:*'), (message, channel) => heard.push(`${channel} ${message}`));
  assert.deepEqual({ ...(await publisher.pubSubNumSub([key('news')])) }, { [key('news')]: 1 });
  for (let i = 0; i < 100; i++) {
    assert.equal(await publisher.publish(key('news'), `${i}`), 1);
    assert.equal(await publisher.publish(key(`user:${i}`), 'hello'), 1);
  }
  await until(() => heard.length === 200);
  for (let i = 0; i < 100; i++) {
    assert.equal(heard[2 * i], `${i}`);
    assert.equal(heard[2 * i + 1], `${key(`user:${i}`)} hello`);
  }
  await subscriber.unsubscribe();
  await subscriber.pUnsubscribe();
  assert.equal(await publisher.publish(key('news'), 'nobody listens'), 0);
  assert.equal(await subscriber.exists(key('nothing')), 0);

  await subscriber.sSubscribe(key('shard'), (message) => heard.push(message));
  assert.equal(await publisher.sPublish(key('shard'), 'sharded'), 1);
  await until(() => heard.at(-1) === 'sharded');
  subscriber.destroy();
  publisher.destroy();
}

async function reconnect() {
  const client = await connected({ name: 'victim' });
  const killer = await connected();
  const heard = [];
  const subscriber = await connected();
  const subscriberId = await subscriber.clientId();
  await subscriber.subscribe(key('after'), (message) => heard.push(message));
  await client.set(key('kept'), 'yes');
  assert.equal(await killer.clientKill({ filter: 'ID', id: await client.clientId() }), 1);
  assert.equal(await killer.clientKill({ filter: 'ID', id: subscriberId }), 1);

  // Password, database, name and subscriptions are there again.
  assert.equal(await client.get(key('kept')), 'yes');
  assert.equal(await client.clientGetName(), 'victim');
  await until(() => killer.publish(key('after'), 'back'));
  await until(() => heard.includes('back'));
  for (const each of [client, killer, subscriber]) each.destroy();
}

async function scan() {
  const client = await connected();
  const writes = [];
  for (let i = 0; i < 500; i++) writes.push(client.set(key(`scan:${i}`), `${i}`));
  for (let i = 0; i < 100; i++) writes.push(client.xAdd(key(`scan:stream:${i}`), '*', { i: `${i}` }));
  await Promise.all(writes);
  const found = async (options) => {
    const names = new Set();
    for await (const batch of client.scanIterator(options)) for (const name of batch) names.add(name);
    return names.size;
  };
  assert.equal(await found({ MATCH: key('scan:*'), COUNT: 50 }), 600);
  assert.equal(await found({ MATCH: key('scan:*'), TYPE: 'stream' }), 100);
  await client.close();
}

// RESP3 only: values that the client keeps itself, and the server tells it when they change.
async function cache() {
  if (RESP < 3) return;
  const client = await connected({ clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' } });
  const writer = await connected();
  await writer.set(key('cached'), 'old');
  assert.equal(await client.get(key('cached')), 'old');
  await writer.set(key('cached'), 'new');
  await until(async () => (await client.get(key('cached'))) === 'new');
  client.destroy();
  writer.destroy();
}

run({ connect, values, pipeline, transaction, jobs, pubsub, reconnect, scan, cache });
