// An echo in Deno (rustls): HOST PORT CERTIFICATE KEY
const [hostname, port, cert, key] = Deno.args;
const listener = Deno.listenTls({
  hostname,
  port: Number(port),
  cert: Deno.readTextFileSync(cert),
  key: Deno.readTextFileSync(key),
});
for (;;) {
  try {
    const conn = await listener.accept();
    conn.readable.pipeTo(conn.writable).catch(() => {});
  } catch {
    // a handshake that failed
  }
}
