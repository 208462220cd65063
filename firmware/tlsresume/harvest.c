// What connections have to tell, for lib/tlsresume/harvest.py to ask.

#include "connection.h"

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "mbedtls/platform_time.h"

#define NEVER ((mp_uint_t)-1)

// What was found, and is nobody else's from then on.
typedef struct _found_t {
    connection_t *c;
    uint8_t outcome; // OUTCOME_NONE if it was told
    mbedtls_ssl_session *session; // of a closed connection, or NULL
} found_t;

// The ms until this connection has something to tell this thread, or NEVER: how it went, or went on,
// or its session after its close, any thread; its session before, its own.
static mp_uint_t connection_due(connection_t *c, mp_uint_t age_ms) {
    bool mine = c->hidden_socket != 0 && c->thread == THIS_THREAD();
    if (mine && connection_is_broken(connection_socket(c))) {
        connection_broken(c); // and the application has not closed it
    }
    if ((c->outcome != OUTCOME_NONE && !c->told) || c->session != NULL) {
        return 0;
    }
    if (!mine || c->polled) {
        return NEVER;
    }
    mp_uint_t age = mp_hal_ticks_ms() - c->negotiated_ms;
    return c->outcome == OUTCOME_NONE ? age_ms : age < age_ms ? age_ms - age : 0;
}

static void find(connection_t *c, found_t *found) {
    found->c = c;
    found->outcome = OUTCOME_NONE;
    found->session = NULL;
    if (!c->told) {
        found->outcome = c->outcome;
        c->told = true;
    } else {
        found->session = c->session;
        found->outcome = c->session == NULL ? OUTCOME_NONE : OUTCOME_CLOSED;
        c->session = NULL;
        c->polled = true; // what comes later is taken at the close
    }
}

// The ms until a connection has something to tell this thread, or NEVER. With `found`, takes the
// first that has. Those that never will have are let go.
static mp_uint_t scan(mp_uint_t age_ms, found_t *found) {
    mp_uint_t due = NEVER;
    CONNECTIONS_LOCK();
    connection_t *c;
    for (connection_t **p = &CONNECTIONS; (c = *p) != NULL;) {
        mp_uint_t wait = connection_due(c, age_ms);
        due = MIN(due, wait);
        if (wait == 0 && found != NULL) {
            find(c, found);
            break;
        }
        if (wait == NEVER && c->hidden_socket == 0) {
            *p = c->next;
        } else {
            p = &c->next;
        }
    }
    CONNECTIONS_UNLOCK();
    return due;
}

// The session of an open connection of this thread, or NULL.
static mbedtls_ssl_session *open_session(const connection_t *c) {
    tlsresume_socket_t *o = connection_socket(c);
    gc_nbytes(o); // waits for a collection in another thread, which may not have seen this reference
    return c->hidden_socket == 0 || connection_is_broken(o) ? NULL : connection_fresh(c, o);
}

// Seconds since the negotiation.
static mp_uint_t connection_age(const connection_t *c) {
    return (mp_uint_t)(mp_hal_ticks_ms() - c->negotiated_ms) / 1000;
}

// Seconds since the session was made: in TLS 1.3 its ticket comes later.
static mp_uint_t session_age(const connection_t *c, const mbedtls_ssl_session *session) {
    mp_uint_t age = connection_age(c);
    #if TLSRESUME_TLS13 && defined(MBEDTLS_HAVE_TIME)
    if (session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        mbedtls_ms_time_t since = (mbedtls_ms_time() - session->ticket_reception_time) / 1000;
        if (since >= 0 && (uint64_t)since < age) { // or that clock was set meanwhile
            age = since;
        }
    }
    #else
    (void)session;
    #endif
    return age;
}

mp_obj_t connection_event(const connection_t *c, mp_uint_t outcome, mbedtls_ssl_session *session) {
    bool tls13 = false;
    mp_obj_t not_after = mp_const_none;
    mp_uint_t age = 0;
    mp_uint_t lifetime = 0;
    if (session != NULL) {
        age = session_age(c, session);
        not_after = session_not_after(session);
        #if defined(MBEDTLS_SSL_SESSION_TICKETS)
        lifetime = session->ticket_lifetime;
        #endif
        #if TLSRESUME_TLS13
        tls13 = session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3;
        #endif
    }
    mp_obj_t items[] = {
        c->owner,
        MP_OBJ_NEW_SMALL_INT(outcome),
        mp_const_none,
        mp_obj_new_bool(c->resumed),
        mp_obj_new_bool(tls13),
        mp_obj_new_int_from_uint(connection_age(c)),
        mp_obj_new_int_from_uint(age),
        mp_obj_new_int_from_uint(lifetime),
        not_after,
    };
    mp_obj_tuple_t *event = MP_OBJ_TO_PTR(mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
    if (session != NULL) {
        event->items[2] = session_pack(session); // last: nothing may fail, and leave it behind
    }
    return MP_OBJ_FROM_PTR(event);
}

// The same, of what was found; without memory its session is lost.
static mp_obj_t found_event(const found_t *found, mbedtls_ssl_session *session) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        session_drop(found->session);
        nlr_jump(nlr.ret_val);
    }
    mp_obj_t event = connection_event(found->c, found->outcome, session);
    nlr_pop();
    if (session != NULL) {
        session->exported = 1;
    }
    session_drop(found->session);
    return event;
}

// take(age_ms) -> (owner, outcome, packed or None, resumed, TLS 1.3, seconds since the negotiation,
// age of the session in seconds, the lifetime that the server hints at in seconds, end of the
// peer's certificate or None), or None if there is nothing to tell.
//
// Sessions of open connections are taken age_ms after their negotiation, those that come later
// when they are closed. Raises MemoryError: the session of a closed connection is then lost.
static mp_obj_t tlsresume_take(mp_obj_t age_in) {
    found_t found;
    while (scan(mp_obj_get_int_truncated(age_in), &found) == 0) {
        mbedtls_ssl_session *session = found.session;
        if (found.outcome == OUTCOME_NONE && session == NULL && (session = open_session(found.c)) == NULL) {
            continue;
        }
        return found_event(&found, session);
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
