// One adopted connection, from the offer to the last session that is taken from it.
#ifndef MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
#define MICROPY_INCLUDED_TLSRESUME_CONNECTION_H

#include "tlsresume.h"

#include "py/mpstate.h"
#include "py/stream.h"

// Where it stands; written by the functions named.
enum {
    NEGOTIATING, // connection_new
    ESTABLISHED, // negotiated
    CLOSED, // connection_closed
    FAILED, // the same, or scan: the handshake failed, or later a fatal alert came
};

// The kinds of event; lib/tlsresume/harvest.py has the same numbers.
enum {
    EVENT_NONE,
    EVENT_FULL, // negotiated by a full handshake
    EVENT_RESUMED, // negotiated by resumption
    EVENT_FAILED, // a handshake failed, or a fatal alert ended the connection
    EVENT_POLLED, // a session of an open connection
    EVENT_CLOSED, // a session of a closed connection
    EVENT_READ, // a TLS 1.3 ticket that came within a read
};

// The thread that runs this. A stream's read gives up the GIL: no other thread may look meanwhile.
#if MICROPY_PY_THREAD
#define THIS_THREAD() ((void *)mp_thread_get_state())
#else
#define THIS_THREAD() NULL
#endif

typedef struct _connection_t {
    mp_obj_base_t base;
    struct _connection_t *next;
    uintptr_t hidden_socket; // complement of its address: the GC must not see it
    mp_obj_t owner;
    void *thread; // who may take from it: as long as it is open, who made it; NULL: anybody
    mbedtls_ssl_session *session; // moved here from the socket at its close
    mp_uint_t negotiated_ms;
    mp_uint_t made_ms; // when what waits came, at the earliest
    uint32_t offered_mark;
    uint8_t state;
    uint8_t claim; // the event that is being taken, until the same thread's next take or due
    uint8_t nodelay; // the option that is to be set to 0 again, or 0; written by nagle.c
    uint8_t told; // the outcome that was taken: EVENT_NONE, or EVENT_FULL to EVENT_FAILED
    bool offered;
    bool resumed;
    bool polled;
    #if TLSRESUME_TLS13
    int ended; // by ticket_look
    uint8_t n_tickets;
    mp_obj_t tickets[TLSRESUME_MAX_TICKETS]; // packed, oldest first
    #endif
} connection_t;

// Newest first. Keeps the connections alive, but not their sockets. Looked at and changed
// in atomic sections, as is what more than one thread uses of a connection; nothing is
// allocated in them, and nothing freed.
#define CONNECTIONS MP_STATE_VM(tlsresume_connections)

// A new connection, not yet in the list. Raises MemoryError.
connection_t *connection_new(tlsresume_socket_t *o, mp_obj_t owner);
void connection_link(connection_t *c);

// The connection of a socket, or NULL.
connection_t *connection_find(const void *socket);

static inline tlsresume_socket_t *connection_socket(const connection_t *c) {
    return (tlsresume_socket_t *)~c->hidden_socket;
}

// Wipe and free a session that was moved out of its socket, if there is one.
void connection_drop(mbedtls_ssl_session **session);

// Whether this session was not taken yet, and is not the one that was offered.
bool connection_has_fresh(const connection_t *c, const mbedtls_ssl_session *session);

// The close of its socket; in order, or what ended in an error.
void connection_closed(connection_t *c, tlsresume_socket_t *o, bool in_order);

// Whether the stream below would not block: MP_STREAM_POLL_RD or MP_STREAM_POLL_WR.
static inline bool stream_ready(mp_obj_t sock, mp_uint_t flag) {
    int err = 0;
    mp_uint_t ready = mp_get_stream(sock)->ioctl(sock, MP_STREAM_POLL, flag, &err);
    return ready != MP_STREAM_ERROR && (ready & flag);
}

// nagle.c: TCP_NODELAY.

// Once negotiated: whether it stays on for the application's first write.
bool nagle_awaits_write(const connection_t *c, const tlsresume_socket_t *o);

// Turn it off again, if nagle() has asked for that. Raises nothing.
void nagle_restore(connection_t *c, const tlsresume_socket_t *o);

// sslsocket.c: the socket of a connection.

// Collect the tickets that have arrived, without blocking, and `leave`: send a close_notify.
// What a stream in Python raises ends here. Returns false if the connection ended in an error
// of TLS: its session is not to be resumed (RFC 5246 7.2.2).
bool sslsocket_look(connection_t *c, bool leave);

#if TLSRESUME_TLS13

// ticket.c: TLS 1.3.

// What a context needs, once. Does not allocate.
void ticket_configure(mbedtls_ssl_context *ssl);

// The oldest of the tickets that were collected, packed.
mp_obj_t ticket_take(connection_t *c);

// After a read of Mbed TLS that gave no data: collect a ticket if there is one. Returns
// whether to read again.
bool ticket_step(tlsresume_socket_t *o);

// Process what has arrived up to the first byte of application data, which stays. The caller puts
// ssl.f_recv back. Returns 0 if the connection goes on, or the error of Mbed TLS, a close_notify
// among them, or of the stream below that has ended it.
int ticket_look(tlsresume_socket_t *o);

#endif

#endif // MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
