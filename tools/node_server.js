// An HTTPS server in Node.js that says of each connection whether it was resumed.
//
//   node node_server.js '{"host": ..., "port": ..., "cert": PATH, "key": PATH, ...}'
//
// Beside Node's own options for tls.createServer: `ca` a path, `ticketKeys` in hexadecimal,
// `tickets` false for none, `store` true to keep session IDs, `workers` the number of processes
// that share the port. SIGHUP reads certificate and key again.
"use strict";

const cluster = require("cluster");
const crypto = require("crypto");
const fs = require("fs");
const https = require("https");

const settings = JSON.parse(process.argv[2]);

function secrets() {
  const { cert, key, ca } = settings;
  return { cert: fs.readFileSync(cert), key: fs.readFileSync(key), ca: ca && fs.readFileSync(ca) };
}

function options() {
  const { ticketKeys, tickets } = settings;
  return {
    ...settings,
    ...secrets(),
    ticketKeys: ticketKeys && Buffer.from(ticketKeys, "hex"),
    secureOptions: tickets === false ? crypto.constants.SSL_OP_NO_TICKET : 0,
  };
}

function keep(server) {
  const sessions = new Map();
  server.on("newSession", (id, data, done) => {
    sessions.set(id.toString("hex"), data);
    done();
  });
  server.on("resumeSession", (id, done) => done(null, sessions.get(id.toString("hex")) || null));
}

function serve() {
  const server = https.createServer(options(), (request, response) => response.end("hello\n"));
  server.on("secureConnection", (socket) => console.log("reused", socket.isSessionReused()));
  if (settings.store) keep(server);
  const reload = (reloaded) => {
    server.setSecureContext(options());
    reloaded();
  };
  if (cluster.isWorker) process.on("message", () => reload(() => process.send("reloaded")));
  else process.on("SIGHUP", () => reload(() => console.log("reloaded")));
  server.listen(settings.port, settings.host);
}

function supervise() {
  let waiting = 0;
  const workers = Array.from({ length: settings.workers }, () => cluster.fork());
  cluster.on("message", () => --waiting || console.log("reloaded"));
  process.on("SIGHUP", () => {
    waiting = workers.length;
    workers.forEach((worker) => worker.send("reload"));
  });
  process.on("SIGTERM", () => process.exit());
}

if (settings.workers && cluster.isPrimary) supervise();
else serve();
