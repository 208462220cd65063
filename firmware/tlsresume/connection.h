// One adopted connection, from the offer to the last session that is taken from it.
#ifndef MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
#define MICROPY_INCLUDED_TLSRESUME_CONNECTION_H

#include "tlsresume.h"

#include "py/mpstate.h"

// How a connection went; lib/tlsresume/harvest.py has the same numbers.
enum {
    OUTCOME_NONE, // the handshake goes on
    OUTCOME_FULL,
    OUTCOME_RESUMED,
    OUTCOME_UNUSED, // closed before anything was sent, or no memory: says nothing of the server
    OUTCOME_LOST, // the network has failed, or the application has given it up
    OUTCOME_FAILED, // the peer's certificate did
    OUTCOME_REFUSED, // by another error of TLS, or the peer has closed at once
    OUTCOME_BROKEN, // an error of TLS has ended the connection later
    OUTCOME_CLOSED, // told before: here is its session
};

// The thread that runs this.
#if MICROPY_PY_THREAD
#define THIS_THREAD() ((void *)mp_thread_get_state())
#else
#define THIS_THREAD() NULL
#endif

// Around what threads share of connections: short, and nothing in it allocates or frees. With a
// GIL, and without threads, nothing else runs there anyhow.
#if MICROPY_PY_THREAD && !MICROPY_PY_THREAD_GIL
#define CONNECTIONS_LOCK() mp_uint_t connections_state = MICROPY_BEGIN_ATOMIC_SECTION()
#define CONNECTIONS_UNLOCK() MICROPY_END_ATOMIC_SECTION(connections_state)
#else
#define CONNECTIONS_LOCK()
#define CONNECTIONS_UNLOCK()
#endif

// As long as it is open it is its own thread's alone, but for how it has failed; closed, it is whose
// scan in harvest.c comes upon it.
typedef struct _connection_t {
    mp_obj_base_t base;
    struct _connection_t *next;
    uintptr_t hidden_socket; // complement of its address: the GC must not see it; 0 once closed
    mp_obj_t owner;
    void *thread; // that made it
    mp_obj_t given; // what sock.session was last, an SSLSession, or MP_OBJ_NULL
    mbedtls_ssl_session *session; // moved here from the socket at its close
    mp_uint_t negotiated_ms; // at the earliest, until it is
    uint32_t given_mark;
    uint32_t offered_mark;
    uint32_t offered_secret_mark;
    uint8_t nodelay; // the option that is to be set to 0 again, or 0; written by nagle.c
    uint8_t outcome;
    bool resumed; // whatever has become of it since
    bool told; // the outcome
    bool offered;
    bool polled;
} connection_t;

// Oldest first. Keeps the connections alive, but not their sockets.
#define CONNECTIONS MP_STATE_VM(tlsresume_connections)

// A new connection, in the list. Raises MemoryError.
connection_t *connection_new(tlsresume_socket_t *o, mp_obj_t owner);

// The connection of a socket, or NULL.
connection_t *connection_find(const tlsresume_socket_t *o);

static inline tlsresume_socket_t *connection_socket(const connection_t *c) {
    return (tlsresume_socket_t *)~c->hidden_socket;
}

// Offer a packed session in the handshake to come, instead of what was offered before.
void connection_offer(connection_t *c, mp_obj_t packed, mp_uint_t age_ms);

// The handshake is over (err is 0), or has failed: err is Mbed TLS's, or minus an errno.
void connection_negotiated(connection_t *c, tlsresume_socket_t *o, int err);

// The session of a connection that has one which was not taken, nor is the one that was offered;
// or NULL.
mbedtls_ssl_session *connection_fresh(const connection_t *c, const tlsresume_socket_t *o);

#if TLSRESUME_TLS13
// Another ticket comes: keep the session that waits with the one before as a closed connection's.
// Without memory it is lost. Raises nothing.
void connection_set_aside(const connection_t *c, tlsresume_socket_t *o);
#endif

static inline bool handshake_over(const tlsresume_socket_t *o) {
    return o->ssl.state >= MBEDTLS_SSL_HANDSHAKE_OVER;
}

static inline bool is_server(const tlsresume_socket_t *o) {
    return TLSRESUME_SERVER && o->ssl.conf != NULL && o->ssl.conf->endpoint == MBEDTLS_SSL_IS_SERVER;
}

// Whether an error of TLS has ended this connection: its session is not to be resumed (RFC 5246
// 7.2.2, RFC 8446 6.2).
static inline bool connection_is_broken(const tlsresume_socket_t *o) {
    return !IS_ERRNO(o->last_error) && o->last_error != MBEDTLS_ERR_SSL_CONN_EOF;
}

// An error of TLS has ended it, if it was not known before.
void connection_broken(connection_t *c);

// The close of its socket, before upstream's: moves its session, and does nothing else that a
// finaliser must not do.
void connection_closed(connection_t *c, tlsresume_socket_t *o);

// harvest.c: what take() tells of a connection, with its session or NULL. Raises MemoryError.
mp_obj_t connection_event(const connection_t *c, mp_uint_t outcome, mbedtls_ssl_session *session);

// configure.c: what a client's context needs, and its socket before the handshake. Raises nothing.
void configure_client(mbedtls_ssl_context *ssl);

// nagle.c: TCP_NODELAY.

// Once negotiated: whether it stays on for the application's first write.
bool nagle_awaits_write(const connection_t *c, const tlsresume_socket_t *o);

// Turn it off again, if nagle() has asked for that. Raises nothing.
void nagle_restore(connection_t *c, const tlsresume_socket_t *o);

// attributes.c: the slot attr of adopted sockets. Called for each use of a method, too, and then as
// short as can be.
void attributes_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest);

// sslsocket.c: the types of adopted sockets.

// Make this socket an adopted one.
void sslsocket_adopt(tlsresume_socket_t *o);

// Go on with the handshake. Returns 0 when it is over, or Mbed TLS's "would block" or end of file;
// raises what upstream's read and write raise for the rest.
int sslsocket_negotiate(tlsresume_socket_t *o);

// Close it, and raise what upstream raises for an error of Mbed TLS.
void sslsocket_raise(tlsresume_socket_t *o, int err);

#if TLSRESUME_TLS13

// ticket.c: TLS 1.3.

// What upstream reads with, the same for all its sockets.
extern mbedtls_ssl_recv_t *ticket_upstream_recv;

// After a read of Mbed TLS that gave no data: returns whether that was due to a ticket, and to read
// again.
bool ticket_step(tlsresume_socket_t *o);

// Process the tickets that have arrived, without blocking, up to the first byte of application data,
// or to the error that has ended the connection.
void ticket_look(tlsresume_socket_t *o);

#endif

#endif // MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
