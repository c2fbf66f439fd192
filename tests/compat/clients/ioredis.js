// ioredis, as an application uses it: the steps of ../README.md.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Redis } = require('ioredis');
const { key, run, seconds, until } = require('./steps');

const url = process.env.REDIS_URL;
const protocol = Number(process.env.REDIS_PROTOCOL);

function connected(options = {}) {
  return new Redis(url, { protocol, ...options }).on('error', () => {});
}

async function connect() {
  const client = connected({ connectionName: 'web-1' });
  assert.equal(await client.ping(), 'PONG');
  assert.equal(await client.client('GETNAME'), 'web-1');
  const info = await client.client('INFO');
  assert.match(info, new RegExp(`\\bdb=${process.env.REDIS_DB} .*\\bresp=${protocol}\\b`));

  const refused = new Redis(url.replace(process.env.REDIS_PASSWORD, 'wrong'), { protocol, retryStrategy: () => null });
  const [error] = await once(refused, 'error');
  refused.on('error', () => {});
  assert.match(error.message, /WRONGPASS|NOAUTH/);
  refused.disconnect();
  client.disconnect();
}

async function values() {
  const client = connected();
  const lock = key('lock');
  assert.equal(await client.set(lock, 'me', 'PX', 30_000, 'NX'), 'OK');
  assert.equal(await client.set(lock, 'you', 'NX'), null);
  assert.ok((await client.pttl(lock)) > 20_000);
  assert.equal(await client.getdel(lock), 'me');
  assert.equal(await client.get(lock), null);

  assert.equal(await client.incr(key('count')), 1);
  assert.equal(await client.incrby(key('count'), 41), 42);
  await assert.rejects(client.xadd(key('count'), '*', 'a', 'b'), /WRONGTYPE/);
  await client.mset(new Map([[key('a'), 'naïve'], [key('b'), '']]));
  assert.deepEqual(await client.mget(key('a'), key('b'), key('none')), ['naïve', '', null]);
  client.disconnect();
}

async function pipeline() {
  const client = connected({ enableAutoPipelining: true });
  const log = key('log');
  const adds = client.pipeline();
  for (let i = 0; i < 500; i++) adds.xadd(log, '*', 'i', i);
  for (const [error] of await adds.exec()) assert.equal(error, null);
  await Promise.all(Array.from({ length: 500 }, (_, i) => client.xadd(log, '*', 'i', 500 + i)));
  assert.equal(await client.xlen(log), 1000);

  let seen = 0;
  for (let start = '-'; ; ) {
    const page = await client.xrange(log, start, '+', 'COUNT', 100);
    if (page.length === 0) break;
    for (const [, fields] of page) assert.deepEqual(fields, ['i', `${seen++}`]);
    start = `(${page.at(-1)[0]}`;
  }
  assert.equal(seen, 1000);
  client.disconnect();
}

async function transaction() {
  const client = connected();
  const replies = await client.multi().incr(key('orders')).xadd(key('events'), '1-1', 'order', 1).exec();
  assert.deepEqual(replies, [[null, 1], [null, '1-1']]);

  const other = connected();
  await client.watch(key('orders'));
  await other.incr(key('orders'));
  assert.equal(await client.multi().set(key('orders'), 0).exec(), null);
  assert.equal(await client.get(key('orders')), '2');

  const [wrong, right] = await client.multi().incr(key('events')).incr(key('orders')).exec();
  assert.match(wrong[0].message, /WRONGTYPE/);
  assert.deepEqual(right, [null, 3]);
  await assert.rejects(client.multi().call('NOSUCH').incr(key('orders')).exec(), /EXECABORT/);
  assert.equal(await client.get(key('orders')), '3');
  client.disconnect();
  other.disconnect();
}

async function jobs() {
  const queue = key('jobs');
  const client = connected();
  await client.xgroup('CREATE', queue, 'workers', '$', 'MKSTREAM');
  await assert.rejects(client.xgroup('CREATE', queue, 'workers', '$'), /BUSYGROUP/);
  await assert.rejects(client.xreadgroup('GROUP', 'nobody', 'me', 'STREAMS', queue, '>'), /NOGROUP/);

  // One worker waits, takes five jobs and dies with them.
  const dying = connected();
  const taken = dying.xreadgroup('GROUP', 'workers', 'dead', 'COUNT', 5, 'BLOCK', 10_000, 'STREAMS', queue, '>');
  await until(async () => / cmd=xreadgroup /.test(await client.client('LIST')));
  const first = client.multi();
  for (let i = 0; i < 5; i++) first.xadd(queue, '*', 'job', i);
  const produced = (await first.exec()).map(([, id]) => id);
  const [[, entries]] = await taken;
  assert.deepEqual(entries.map(([id]) => id), produced);
  dying.disconnect();
  const [pending, , , consumers] = await client.xpending(queue, 'workers');
  assert.equal(pending, 5);
  assert.deepEqual(consumers, [['dead', '5']]);
  assert.equal((await client.xpending(queue, 'workers', '-', '+', 10))[4][0], produced[4]);

  // Two others go on, and take over what has been idle for too long.
  const handled = [];
  let open = true;
  async function work(name) {
    const worker = connected();
    const read = ['GROUP', 'workers', name, 'COUNT', 10, 'BLOCK', 50, 'STREAMS', queue, '>'];
    for (;;) {
      const reply = await worker.xreadgroup(...read);
      if (!reply && !open) break;
      for (const [id] of reply ? reply[0][1] : []) {
        if ((await worker.xack(queue, 'workers', id)) === 1) handled.push(id);
      }
    }
    worker.disconnect();
  }
  async function recover() {
    const worker = connected();
    while (open || (await worker.xpending(queue, 'workers'))[0] > 0) {
      for (let start = '0-0'; ; ) {
        const [next, claimed] = await worker.xautoclaim(queue, 'workers', 'rescue', 300, start, 'COUNT', 2);
        for (const [id] of claimed) {
          if ((await worker.xack(queue, 'workers', id)) === 1) handled.push(id);
        }
        if ((start = next) === '0-0') break;
      }
    }
    worker.disconnect();
  }
  const workers = [work('w1'), work('w2'), recover()];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const batch = client.pipeline();
    for (let i = 0; i < 20; i++) batch.xadd(queue, '*', 'job', 'more');
    produced.push(...(await batch.exec()).map(([, id]) => id));
    await until(() => produced.length - handled.length < 500);
  }
  await until(() => handled.length >= produced.length);
  open = false;
  await Promise.all(workers);
  assert.deepEqual(handled.sort(), produced.sort());
  const [group] = await client.xinfo('GROUPS', queue);
  assert.deepEqual(group.slice(0, 6), ['name', 'workers', 'consumers', 4, 'pending', 0]);
  assert.deepEqual(group.slice(-2), ['lag', 0]);
  client.disconnect();
}

async function pubsub() {
  const subscriber = connected();
  const publisher = connected();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push(message));
  subscriber.on('pmessage', (pattern, channel, message) => heard.push(`${channel} ${message}`));
  assert.equal(await subscriber.subscribe(key('news')), 1);
  assert.equal(await subscriber.psubscribe(key('user:*')), 2);
  assert.deepEqual(await publisher.pubsub('NUMSUB', key('news')), [key('news'), 1]);
  for (let i = 0; i < 100; i++) {
    assert.equal(await publisher.publish(key('news'), i), 1);
    assert.equal(await publisher.publish(key(`user:${i}`), 'hello'), 1);
  }
  await until(() => heard.length === 200);
  for (let i = 0; i < 100; i++) {
    assert.equal(heard[2 * i], `${i}`);
    assert.equal(heard[2 * i + 1], `${key(`user:${i}`)} hello`);
  }
  await subscriber.unsubscribe(key('news'));
  await subscriber.punsubscribe(key('user:*'));
  assert.equal(await publisher.publish(key('news'), 'nobody listens'), 0);
  assert.equal(await subscriber.exists(key('nothing')), 0);
  subscriber.disconnect();
  publisher.disconnect();
}

async function reconnect() {
  const client = connected({ connectionName: 'victim' });
  const killer = connected();
  const subscriber = connected();
  const heard = [];
  subscriber.on('message', (channel, message) => heard.push(message));
  const subscriberId = await subscriber.client('ID');
  await subscriber.subscribe(key('after'));
  await client.set(key('kept'), 'yes');
  assert.equal(await killer.client('KILL', 'ID', await client.client('ID')), 1);
  assert.equal(await killer.client('KILL', 'ID', subscriberId), 1);

  // Password, database, name and subscriptions are there again.
  assert.equal(await client.get(key('kept')), 'yes');
  assert.equal(await client.client('GETNAME'), 'victim');
  await until(() => killer.publish(key('after'), 'back'));
  await until(() => heard.includes('back'));
  for (const each of [client, killer, subscriber]) each.disconnect();
}

async function scan() {
  const client = connected();
  const writes = client.pipeline();
  for (let i = 0; i < 500; i++) writes.set(key(`scan:${i}`), i);
  for (let i = 0; i < 100; i++) writes.xadd(key(`scan:stream:${i}`), '*', 'i', i);
  await writes.exec();
  const found = async (options) => {
    const names = new Set();
    for await (const batch of client.scanStream(options)) for (const name of batch) names.add(name);
    return names.size;
  };
  assert.equal(await found({ match: key('scan:*'), count: 50 }), 600);
  assert.equal(await found({ match: key('scan:*'), type: 'stream' }), 100);
  assert.equal(await client.quit(), 'OK');
}

run({ connect, values, pipeline, transaction, jobs, pubsub, reconnect, scan });
