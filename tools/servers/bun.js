// An echo in Bun (BoringSSL): HOST PORT CERTIFICATE KEY [CA]
//
// With a CA client certificates are demanded.
const [hostname, port, cert, key, ca] = Bun.argv.slice(2);
const client = ca && { ca: Bun.file(ca), requestCert: true, rejectUnauthorized: true };
Bun.listen({
  hostname,
  port: Number(port),
  tls: { cert: Bun.file(cert), key: Bun.file(key), ...client },
  socket: {
    data(socket, data) {
      socket.write(data);
    },
  },
});
