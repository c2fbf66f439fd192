// Two Socket.IO servers that know of each other through the Redis streams adapter alone, with a browser's library at each.
'use strict';

const assert = require('node:assert/strict');
const { createServer } = require('node:http');
const { once } = require('node:events');
const { createClient } = require('redis');
const { Redis } = require('ioredis');
const { Server } = require('socket.io');
const { io: openSocket } = require('socket.io-client');
const { createAdapter } = require('@socket.io/redis-streams-adapter');
const { key, run, seconds, until } = require('./steps');

const url = process.env.REDIS_URL;
const protocol = Number(process.env.REDIS_PROTOCOL);

const quick = {
  streamName: key('socket.io'),
  channelPrefix: key('socket.io'),
  blockTimeInMs: 200,
  heartbeatInterval: 300,
};

async function redisClient(library) {
  if (library === 'ioredis') return new Redis(url, { protocol });
  return createClient({ url, RESP: protocol }).connect();
}

// A server with its own Redis client, and a browser connected to it.
async function site(library, options) {
  const redis = await redisClient(library);
  const http = createServer();
  const io = new Server(http, {
    connectionStateRecovery: {},
    adapter: createAdapter(redis, { ...quick, ...options }),
  });
  io.on('connection', (socket) => socket.join('everybody'));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const browser = openSocket(`http://127.0.0.1:${http.address().port}`, { reconnectionDelay: 20 });
  await once(browser, 'connect');
  return { io, browser, redis };
}

// The servers tell each other that they are there by heartbeats, and each has begun to read the stream when it has read
// something.
async function know(sites) {
  const others = (site) => site.io.serverSideEmitWithAck('there?').catch(() => []);
  await until(async () => (await Promise.all(sites.map(others))).every((answers) => answers.length === sites.length - 1));
  const reading = new Set();
  for (const { browser } of sites) browser.on('hello', (from) => from !== browser.id && reading.add(browser));
  await until(() => {
    for (const { io, browser } of sites) io.emit('hello', browser.id);
    return reading.size === sites.length;
  });
}

async function close(sites) {
  for (const { io, browser } of sites) {
    browser.close();
    await io.close();
  }
  for (const { redis } of sites) await redis.quit();
}

async function delivers(library, options) {
  const sites = [await site(library, options), await site(library, options)];
  const [a, b] = sites;
  for (const { io } of sites) io.on('there?', (answer) => answer('yes'));
  await know(sites);

  // To all, to a room, with binary content: in order, each once.
  const heard = [];
  b.browser.on('news', (number, bytes) => heard.push([number, bytes.length]));
  const end = Date.now() + seconds * 1000;
  let sent = 0;
  do {
    for (let i = 0; i < 50; i++, sent++) a.io.to('everybody').emit('news', sent, Buffer.from('abc'));
    await until(() => heard.length === sent);
  } while (Date.now() < end);
  assert.deepEqual(heard, Array.from({ length: sent }, (_, i) => [i, 3]));

  // Questions that the other server's clients answer.
  for (const { browser } of sites) browser.on('question', (answer) => answer(browser.id));
  const answers = await a.io.timeout(5000).emitWithAck('question');
  assert.deepEqual(answers.sort(), sites.map((s) => s.browser.id).sort());
  assert.equal((await b.io.fetchSockets()).length, 2);
  a.io.socketsLeave('everybody');
  await until(async () => (await b.io.in('everybody').fetchSockets()).length === 0);

  // A browser that lost its connection gets what it missed from the stream.
  const missed = [];
  b.browser.on('missed', (text) => missed.push(text));
  b.browser.io.engine.close();
  a.io.emit('missed', 'while you were away');
  await until(() => missed.length === 1);
  assert.equal(b.browser.recovered, true);
  await close(sites);
}

run({
  connect: async () => close([await site('redis')]),
  node_redis: () => delivers('redis'),
  ioredis: () => delivers('ioredis'),
  sharded: () => delivers('redis', { useShardedPubSub: true, streamCount: 2 }),
}).then(() => process.exit()); // not after the servers' timers
