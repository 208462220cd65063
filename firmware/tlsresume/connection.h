// One adopted connection, from the offer to the last session that is taken from it.
#ifndef MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
#define MICROPY_INCLUDED_TLSRESUME_CONNECTION_H

#include "tlsresume.h"

#include "py/mpstate.h"

// Where it stands; written by the functions named.
enum {
    NEGOTIATING, // tlsresume_adopt
    ESTABLISHED, // connection_negotiated
    CLOSED, // connection_closed
    FAILED, // connection_failed: the handshake, or later by a fatal alert
};

typedef struct _connection_t {
    mp_obj_base_t base;
    struct _connection_t *next;
    uintptr_t hidden_socket; // complement of its address: the GC must not see it
    mp_obj_t owner;
    mbedtls_ssl_session *session; // moved here from the socket at its close
    mp_uint_t negotiated_ms;
    mp_uint_t made_ms; // when the newest session came: at the negotiation, or with a ticket
    uint32_t offered_mark;
    uint8_t state;
    bool offered;
    bool resumed;
    bool reported;
    bool polled;
    #if TLSRESUME_TLS13
    uint8_t n_tickets;
    mp_obj_t tickets[TLSRESUME_MAX_TICKETS]; // packed, oldest first
    #endif
} connection_t;

// Newest first. Keeps the connections alive, but not their sockets.
#define CONNECTIONS MP_STATE_VM(tlsresume_connections)

// A new connection, not yet in the list. Raises MemoryError.
connection_t *connection_new(tlsresume_socket_t *o, mp_obj_t owner);
void connection_link(connection_t *c);
void connection_unlink(connection_t *c);

// The connection of a socket, or NULL.
connection_t *connection_find(const void *socket);

static inline tlsresume_socket_t *connection_socket(const connection_t *c) {
    return (tlsresume_socket_t *)~c->hidden_socket;
}

// Wipe and free the session that waits, if one does.
void connection_drop_session(connection_t *c);

// Whether this session was not taken yet, and is not the one that was offered: Mbed TLS keeps
// an offered ticket although the server declined it.
bool connection_has_fresh(const connection_t *c, const mbedtls_ssl_session *session);

// The transitions.
void connection_negotiated(connection_t *c, const tlsresume_socket_t *o);
void connection_failed(connection_t *c);
void connection_closed(connection_t *c, tlsresume_socket_t *o);

// sslsocket.c: the socket of a connection.

// Collect the tickets that have arrived, without blocking; to leave, send a close_notify.
// Returns whether the connection is in order: the session of one that ended in an error of
// TLS is not to be resumed (RFC 5246 7.2.2). Raises nothing, whatever a stream in Python does.
bool sslsocket_look(tlsresume_socket_t *o, bool leave);

#if TLSRESUME_TLS13

// ticket.c: TLS 1.3.

// What a context needs, once. Does not allocate.
void ticket_configure(mbedtls_ssl_context *ssl);

// After a read of Mbed TLS that gave no data: collect a ticket if there is one. Returns
// whether to read again.
bool ticket_step(tlsresume_socket_t *o);

// Process what has arrived up to the first byte of application data, which stays. Returns
// false if the peer has closed.
bool ticket_look(tlsresume_socket_t *o);

#endif

#endif // MICROPY_INCLUDED_TLSRESUME_CONNECTION_H
