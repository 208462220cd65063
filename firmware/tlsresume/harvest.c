// What connections have to tell, for lib/tlsresume/harvest.py to ask.

#include "connection.h"

#include <string.h>

#include "py/mphal.h"
#include "py/objtuple.h"
#include "py/runtime.h"

// The kinds of event; lib/tlsresume/harvest.py has the same numbers.
enum {
    EVENT_FULL, // negotiated by a full handshake
    EVENT_RESUMED, // negotiated by resumption
    EVENT_FAILED, // a handshake failed, or a fatal alert ended the connection
    EVENT_POLLED, // a session of an open connection
    EVENT_CLOSED, // a session of a closed connection
    EVENT_READ, // a TLS 1.3 ticket that came within a read
};

#define PACKED (2)

// Without the packed session, which goes into items[PACKED] last: what is allocated after it
// could fail, and leave a secret behind.
static mp_obj_tuple_t *event(const connection_t *c, mp_int_t kind) {
    mp_uint_t age_ms = mp_hal_ticks_ms() - c->made_ms;
    mp_obj_tuple_t *result = MP_OBJ_TO_PTR(mp_obj_new_tuple(5, NULL));
    result->items[0] = c->owner;
    result->items[1] = MP_OBJ_NEW_SMALL_INT(kind);
    result->items[PACKED] = mp_const_none;
    result->items[3] = mp_obj_new_bool(c->resumed);
    result->items[4] = MP_OBJ_NEW_SMALL_INT(age_ms / 1000);
    return result;
}

// Whether upstream gave up on the handshake, within a read or write of the application.
static bool failed_in_upstream(const connection_t *c) {
    return c->state == NEGOTIATING && connection_socket(c)->sock == MP_OBJ_NULL;
}

static bool poll_due(const connection_t *c, mp_uint_t age_ms) {
    return c->state == ESTABLISHED && !c->polled && (mp_uint_t)(mp_hal_ticks_ms() - c->negotiated_ms) >= age_ms;
}

static mp_obj_t take_polled(connection_t *c) {
    tlsresume_socket_t *o = connection_socket(c);
    bool in_order = sslsocket_look(o, false);
    mbedtls_ssl_session *session = o->ssl.session;
    if (!in_order || !connection_has_fresh(c, session)) {
        c->polled = true;
        return MP_OBJ_NULL;
    }
    mp_obj_tuple_t *result = event(c, EVENT_POLLED);
    result->items[PACKED] = session_pack(session);
    session->exported = 1;
    c->polled = true;
    return MP_OBJ_FROM_PTR(result);
}

static mp_obj_t take_closed(connection_t *c) {
    mp_obj_tuple_t *result = event(c, EVENT_CLOSED);
    result->items[PACKED] = session_pack(c->session);
    connection_drop_session(c);
    return MP_OBJ_FROM_PTR(result);
}

// What this connection has to tell now, or MP_OBJ_NULL. Raises MemoryError, having
// changed nothing.
static mp_obj_t connection_take(connection_t *c, mp_uint_t age_ms) {
    if (failed_in_upstream(c)) {
        connection_failed(c);
    }
    if (!c->reported && c->state != NEGOTIATING) {
        mp_int_t kind = c->state == FAILED ? EVENT_FAILED : c->resumed ? EVENT_RESUMED : EVENT_FULL;
        mp_obj_tuple_t *result = event(c, kind);
        c->reported = true;
        return MP_OBJ_FROM_PTR(result);
    }
    #if TLSRESUME_TLS13
    if (c->n_tickets > 0) {
        mp_obj_tuple_t *result = event(c, EVENT_READ);
        result->items[PACKED] = c->tickets[0];
        memmove(c->tickets, c->tickets + 1, --c->n_tickets * sizeof(mp_obj_t));
        c->tickets[c->n_tickets] = MP_OBJ_NULL;
        return MP_OBJ_FROM_PTR(result);
    }
    #endif
    if (poll_due(c, age_ms)) {
        return take_polled(c);
    }
    return c->session != NULL ? take_closed(c) : MP_OBJ_NULL;
}

// take(age_ms) -> (owner, event, packed or None, resumed, age of the session in seconds), or
// None if there is nothing to tell.
//
// Sessions of open connections are taken age_ms after their negotiation. Raises
// MemoryError, and loses nothing.
static mp_obj_t tlsresume_take(mp_obj_t age_in) {
    mp_uint_t age_ms = mp_obj_get_int_truncated(age_in);
    connection_t *next;
    for (connection_t *c = CONNECTIONS; c != NULL; c = next) {
        next = c->next;
        mp_obj_t result = connection_take(c, age_ms);
        if (result != MP_OBJ_NULL) {
            return result;
        }
        if (c->state >= CLOSED && c->session == NULL) {
            connection_unlink(c);
        }
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_take_obj, tlsresume_take);

// due(age_ms) -> ms until take(age_ms) is worth a call, or None if nothing is awaited.
static mp_obj_t tlsresume_due(mp_obj_t age_in) {
    mp_uint_t age_ms = mp_obj_get_int_truncated(age_in);
    mp_uint_t due = (mp_uint_t)-1;
    for (connection_t *c = CONNECTIONS; c != NULL; c = c->next) {
        mp_uint_t wait = 0;
        if (c->state == NEGOTIATING && !failed_in_upstream(c)) {
            wait = age_ms;
        } else if (c->state == ESTABLISHED && c->polled && c->reported) {
            continue;
        } else if (c->state == ESTABLISHED && !poll_due(c, age_ms)) {
            wait = age_ms - (mp_uint_t)(mp_hal_ticks_ms() - c->negotiated_ms);
        }
        due = MIN(due, wait);
    }
    return due == (mp_uint_t)-1 ? mp_const_none : mp_obj_new_int_from_uint(due);
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_due_obj, tlsresume_due);
