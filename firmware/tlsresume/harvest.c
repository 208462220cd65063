// What connections have to tell, for lib/tlsresume/harvest.py to ask.

#include "connection.h"

#include "py/gc.h"
#include "py/mphal.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#define NEVER ((mp_uint_t)-1)

// Whether upstream gave up on the handshake, within a read or write of the application.
static bool failed_in_upstream(const connection_t *c) {
    return c->state == NEGOTIATING && connection_socket(c)->sock == MP_OBJ_NULL;
}

// What this connection has to tell, now or, EVENT_POLLED, in time.
static uint8_t next_event(const connection_t *c) {
    if (c->state == FAILED) { // its tickets are not to be resumed (RFC 8446 6.2)
        return c->told == EVENT_FAILED ? EVENT_NONE : EVENT_FAILED;
    }
    if (c->state != NEGOTIATING && c->told == EVENT_NONE) {
        return c->resumed ? EVENT_RESUMED : EVENT_FULL;
    }
    #if TLSRESUME_TLS13
    if (c->n_tickets > 0) {
        return EVENT_READ;
    }
    #endif
    if (c->session != NULL) {
        return EVENT_CLOSED;
    }
    return c->state >= CLOSED || c->polled ? EVENT_NONE : EVENT_POLLED;
}

// The ms until it is due, or NEVER.
static mp_uint_t event_due(const connection_t *c, uint8_t kind, mp_uint_t age_ms) {
    if (kind != EVENT_POLLED) {
        return kind == EVENT_NONE ? NEVER : 0;
    }
    mp_uint_t age = mp_hal_ticks_ms() - c->negotiated_ms;
    return c->state == NEGOTIATING ? age_ms : age < age_ms ? age_ms - age : 0;
}

// The ms until a connection has something to tell this thread, or NEVER. With `first`, the
// first one that has is claimed. Those that never will have are let go.
static mp_uint_t scan(mp_uint_t age_ms, connection_t **first) {
    void *me = THIS_THREAD();
    mp_uint_t due = NEVER;
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    connection_t *c;
    for (connection_t **p = &CONNECTIONS; (c = *p) != NULL;) {
        if (c->thread == NULL || c->thread == me) {
            if (failed_in_upstream(c)) {
                c->state = FAILED;
                c->hidden_socket = 0;
            }
            c->claim = EVENT_NONE; // that take is over
            c->thread = c->state < CLOSED ? me : NULL;
            uint8_t kind = next_event(c);
            mp_uint_t wait = event_due(c, kind, age_ms);
            due = MIN(due, wait);
            if (wait == 0 && first != NULL) {
                c->claim = kind;
                c->thread = me;
                *first = c;
                break;
            }
            if (kind == EVENT_NONE && c->state >= CLOSED) {
                *p = c->next;
                continue;
            }
        }
        p = &c->next;
    }
    MICROPY_END_ATOMIC_SECTION(atomic_state);
    return due;
}

// The session of an open connection, or NULL.
static mbedtls_ssl_session *look_for_session(connection_t *c) {
    tlsresume_socket_t *o = connection_socket(c);
    gc_nbytes(o); // waits for a collection in another thread, which may not have seen this reference
    if (c->hidden_socket == 0) {
        return NULL;
    }
    c->polled = true; // a callback or a thread that gets a turn within the look shall not look
    bool fresh = sslsocket_look(c, false) && connection_has_fresh(c, o->ssl.session);
    c->polled = !fresh;
    return fresh ? o->ssl.session : NULL;
}

// What this connection has to tell, or MP_OBJ_NULL. Raises MemoryError, having changed
// nothing.
static mp_obj_t connection_take(connection_t *c) {
    uint8_t kind = c->claim;
    mbedtls_ssl_session *session = c->session;
    if (kind == EVENT_POLLED && (session = look_for_session(c)) == NULL) {
        return MP_OBJ_NULL;
    }
    mp_obj_tuple_t *event = MP_OBJ_TO_PTR(mp_obj_new_tuple(6, NULL));
    event->items[0] = c->owner;
    event->items[1] = MP_OBJ_NEW_SMALL_INT(kind);
    event->items[2] = event->items[5] = mp_const_none;
    event->items[3] = mp_obj_new_bool(c->resumed);
    event->items[4] = MP_OBJ_NEW_SMALL_INT((mp_uint_t)(mp_hal_ticks_ms() - c->made_ms) / 1000);
    if (kind <= EVENT_FAILED) {
        c->told = kind;
    #if TLSRESUME_TLS13
    } else if (kind == EVENT_READ) {
        event->items[2] = ticket_take(c);
    #endif
    } else {
        event->items[5] = session_lifetime(session);
        event->items[2] = session_pack(session); // last: nothing may fail, and leave it behind
        session->exported = 1;
        c->polled = true;
        connection_drop(&c->session);
    }
    return MP_OBJ_FROM_PTR(event);
}

// take(age_ms) -> (owner, event, packed or None, resumed, age of the session in seconds, the
// lifetime that the server hints at in seconds), or None if there is nothing to tell. The lifetime
// is None for a session of TLS 1.3: parse() tells.
//
// Sessions of open connections are taken age_ms after their negotiation. Raises
// MemoryError, and loses nothing.
static mp_obj_t tlsresume_take(mp_obj_t age_in) {
    connection_t *c;
    while (scan(mp_obj_get_int_truncated(age_in), &c) == 0) {
        mp_obj_t result = connection_take(c);
        if (result != MP_OBJ_NULL) {
            return result;
        }
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_take_obj, tlsresume_take);

// due(age_ms) -> ms until take(age_ms) is worth a call, or None if nothing is awaited.
static mp_obj_t tlsresume_due(mp_obj_t age_in) {
    mp_uint_t due = scan(mp_obj_get_int_truncated(age_in), NULL);
    return due == NEVER ? mp_const_none : mp_obj_new_int_from_uint(due);
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_due_obj, tlsresume_due);
