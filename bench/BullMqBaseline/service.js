// The original's HTTP API and the zero-length model on BullMQ. One program, two roles: "api" and "worker".
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const QUEUE = 'tickets';
const USERS = 'users';
// Runs take no time: more of them at once cost more CPU for each ticket, and end no more tickets.
const WORKER_CONCURRENCY = 10;
const PROCESSING_LIMIT_MS = 5 * 60 * 1000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const redis = new Redis(Number(process.env.REDIS_PORT), '127.0.0.1', {
  // BullMQ asks for it: a command waits for as long as Redis is away.
  maxRetriesPerRequest: null,
});
const role = process.argv[2] === 'api' ? await startApi() : await startWorker();

// Callers keep their connections while other systems are measured.
createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }, async (request, response) => {
  try {
    await role.handle(request, response);
  } catch (error) {
    console.error(error);
    send(response, 500, { message: 'Internal server error' });
  }
}).listen(Number(process.env.PORT), '127.0.0.1');

process.once('SIGTERM', async () => {
  // A worker finishes its jobs first.
  await role.close();
  process.exit();
});

async function startApi() {
  const queue = new Queue(QUEUE, { connection: redis });
  await queue.waitUntilReady();
  // Users are never deleted: one that was there once still is.
  const knownUsers = new Set();

  async function createUser(response) {
    const userId = randomUUID();
    await redis.sadd(USERS, userId);
    send(response, 200, { user_id: userId });
  }

  async function createTicket(request, response) {
    let body;
    try {
      body = JSON.parse(await readText(request));
    } catch {
      return send(response, 400, { message: 'Invalid JSON format' });
    }

    const userId = body?.user_id;
    if (!userId) {
      return send(response, 400, { message: 'User ID is required in the request body' });
    }

    if (!knownUsers.has(userId)) {
      if (!UUID.test(userId) || !(await redis.sismember(USERS, userId))) {
        return send(response, 404, { message: 'User ID not found' });
      }

      knownUsers.add(userId);
    }

    const ticketId = randomUUID();
    // Without options that remove it: the job keeps the answer that callers ask for. One attempt is BullMQ's default.
    await queue.add('ticket', { user_id: userId }, { jobId: ticketId });
    send(response, 200, { ticket_id: ticketId });
  }

  async function getTicket(query, response) {
    if (!query) {
      return send(response, 400, { message: 'Query param with Ticket ID is required' });
    }

    const ticketId = new URLSearchParams(query).get('ticket_id');
    if (!ticketId) {
      return send(response, 400, { message: 'Ticket ID is required' });
    }

    // One command, where Job.fromId reads all fields, and the job's state would be a second one.
    const [created, finished, answer] = UUID.test(ticketId)
      ? await redis.hmget(queue.toKey(ticketId), 'timestamp', 'finishedOn', 'returnvalue')
      : [];
    if (!created) {
      return send(response, 404, { message: 'Ticket not found' });
    }

    if ((finished ?? Date.now()) - created > PROCESSING_LIMIT_MS) {
      return send(response, 408, { message: 'Ticket processing request timeout' });
    }

    if (finished) {
      return answer
        ? send(response, 200, { ticket_response: JSON.parse(answer) })
        : send(response, 500, { message: 'Ticket processing failed' });
    }

    send(response, 202, { message: 'Ticket response has not completed yet, try again soon' }, {
      'Retry-After': '1',
      Location: `/ticket?ticket_id=${ticketId}`,
    });
  }

  async function handle(request, response) {
    const [path, query] = request.url.split('?', 2);
    switch (`${request.method} ${path}`) {
      case 'POST /user': return createUser(response);
      case 'POST /ticket': return createTicket(request, response);
      case 'GET /ticket': return getTicket(query, response);
      case 'GET /health': return sendHealth(response);
      default: return send(response, 404, { message: 'Not found' });
    }
  }

  return { handle, close: () => queue.close() };
}

async function startWorker() {
  const worker = new Worker(QUEUE, async () => (Math.random() < 0.5 ? 'Happy message' : 'Sad message'), {
    connection: redis,
    concurrency: WORKER_CONCURRENCY,
  });
  worker.on('error', error => console.error(error));
  await worker.waitUntilReady();
  return { handle: (request, response) => sendHealth(response), close: () => worker.close() };
}

async function sendHealth(response) {
  await redis.ping();
  send(response, 200, { status: 'Healthy' });
}

function readText(request) {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8').on('data', part => (text += part)).on('end', () => resolve(text)).on('error', reject);
  });
}

function send(response, status, body, headers) {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text), ...headers })
    .end(text);
}
