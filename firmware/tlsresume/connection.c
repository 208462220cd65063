// The list of adopted connections, and what becomes of one.

#include "connection.h"

#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "mbedtls/platform.h"

MP_REGISTER_ROOT_POINTER(struct _connection_t *tlsresume_connections);

connection_t *connection_find(const tlsresume_socket_t *o) {
    CONNECTIONS_LOCK();
    connection_t *c = CONNECTIONS;
    while (c != NULL && c->hidden_socket != ~(uintptr_t)o) {
        c = c->next;
    }
    CONNECTIONS_UNLOCK();
    return c;
}

// A soft reset finalises everything in the order of addresses: unlinked first, a connection is not
// found by its socket's close; closed first, its session is freed here.
static mp_obj_t connection_del(mp_obj_t self_in) {
    connection_t *c = MP_OBJ_TO_PTR(self_in);
    CONNECTIONS_LOCK();
    connection_t **p = &CONNECTIONS;
    while (*p != NULL && *p != c) {
        p = &(*p)->next;
    }
    if (*p == c) {
        *p = c->next;
    }
    CONNECTIONS_UNLOCK();
    session_drop(c->session);
    c->session = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(connection_del_obj, connection_del);

static const mp_rom_map_elem_t connection_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&connection_del_obj) },
};
static MP_DEFINE_CONST_DICT(connection_locals_dict, connection_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    connection_type,
    MP_QSTR__tlsresume,
    MP_TYPE_FLAG_NONE,
    locals_dict, &connection_locals_dict
    );

static connection_t *connection_make(mp_obj_t owner) {
    connection_t *c = mp_obj_malloc_with_finaliser(connection_t, &connection_type);
    memset((byte *)c + sizeof(c->base), 0, sizeof(*c) - sizeof(c->base));
    c->owner = owner;
    return c;
}

static void connection_link(connection_t *c) {
    CONNECTIONS_LOCK();
    connection_t **p = &CONNECTIONS;
    while (*p != NULL) {
        p = &(*p)->next;
    }
    *p = c;
    CONNECTIONS_UNLOCK();
}

connection_t *connection_new(tlsresume_socket_t *o, mp_obj_t owner) {
    connection_t *c = connection_make(owner);
    c->hidden_socket = ~(uintptr_t)o;
    c->thread = THIS_THREAD();
    c->negotiated_ms = mp_hal_ticks_ms();
    connection_link(c);
    return c;
}

// Of too many sessions that wait, the oldest goes.
static void drop_surplus(void) {
    mbedtls_ssl_session *session = NULL;
    size_t waiting = 0;
    connection_t *oldest = NULL;
    CONNECTIONS_LOCK();
    for (connection_t *c = CONNECTIONS; c != NULL; c = c->next) {
        if (c->session != NULL && waiting++ == 0) {
            oldest = c;
        }
    }
    if (waiting > TLSRESUME_MAX_WAITING) {
        session = oldest->session;
        oldest->session = NULL;
    }
    CONNECTIONS_UNLOCK();
    session_drop(session);
}

#if TLSRESUME_TLS13
void connection_set_aside(const connection_t *c, tlsresume_socket_t *o) {
    nlr_buf_t nlr;
    if (connection_fresh(c, o) == NULL || nlr_push(&nlr) != 0) {
        return;
    }
    connection_t *closed = connection_make(c->owner);
    closed->negotiated_ms = c->negotiated_ms;
    closed->outcome = c->outcome;
    closed->resumed = c->resumed;
    closed->told = true;
    closed->session = mbedtls_calloc(1, sizeof(mbedtls_ssl_session));
    if (closed->session != NULL && mbedtls_ssl_get_session(&o->ssl, closed->session) == 0) {
        connection_link(closed);
        drop_surplus();
    } // else its finaliser frees what there is
    nlr_pop();
}
#endif

void connection_offer(connection_t *c, mp_obj_t packed, mp_uint_t age_ms) {
    mbedtls_ssl_context *ssl = &connection_socket(c)->ssl;
    if (c->offered) {
        mbedtls_ssl_session_reset(ssl); // Mbed TLS takes one session a handshake
    }
    c->offered = session_offer(ssl, packed, age_ms);
    if (c->offered) {
        c->offered_mark = session_mark(ssl->session_negotiate);
        c->offered_secret_mark = session_secret_mark(ssl->session_negotiate);
    }
}

// In TLS 1.2 the secret tells. In TLS 1.3 a server proves its identity unless it takes a key that
// it shares with us already, and of these a ticket is the only one that is offered.
static bool is_resumed(const connection_t *c, const mbedtls_ssl_session *session) {
    if (!c->offered) {
        return false;
    }
    #if TLSRESUME_TLS13
    if (session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        return !session_has_peer(session);
    }
    #endif
    return session_secret_mark(session) == c->offered_secret_mark;
}

// Between the errors of Mbed TLS's other parts and those of TLS itself (mbedtls/error.h).
#define SSL_ERRORS (-0x6400)

// What a handshake that has ended by an error says of the server. One that closes instead of an
// answer has spoken; one whose answer is not TLS's is another (a captive portal).
static uint8_t failure(const tlsresume_socket_t *o, int err) {
    bool answered = o->ssl.state > MBEDTLS_SSL_SERVER_HELLO;
    if (err == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        return OUTCOME_FAILED; // looked at after an offer was declined
    }
    if (IS_ERRNO(err) || err == (answered ? MBEDTLS_ERR_SSL_CONN_EOF : MBEDTLS_ERR_SSL_INVALID_RECORD)) {
        return OUTCOME_LOST;
    }
    // What is no error of TLS is most often want of memory.
    return err > SSL_ERRORS || err == MBEDTLS_ERR_SSL_ALLOC_FAILED ? OUTCOME_UNUSED : OUTCOME_REFUSED;
}

void connection_negotiated(connection_t *c, tlsresume_socket_t *o, int err) {
    uint8_t outcome;
    if (err == 0) {
        mbedtls_ssl_session *session = o->ssl.session;
        c->resumed = is_resumed(c, session);
        outcome = c->resumed ? OUTCOME_RESUMED : OUTCOME_FULL;
        c->negotiated_ms = mp_hal_ticks_ms();
        #if defined(MBEDTLS_SSL_SESSION_TICKETS)
        if (c->offered && !c->resumed && session_mark(session) == c->offered_mark) {
            session->ticket_len = 0; // Mbed TLS has kept it: it does not fit the new secret
            session->ticket_lifetime = 0;
        }
        #endif
    } else {
        outcome = failure(o, err);
    }
    CONNECTIONS_LOCK();
    c->outcome = outcome;
    CONNECTIONS_UNLOCK();
}

mbedtls_ssl_session *connection_fresh(const connection_t *c, const tlsresume_socket_t *o) {
    mbedtls_ssl_session *session = o->ssl.session;
    if (session == NULL || session->exported || session_len(session) == 0) {
        return NULL;
    }
    return c->offered && session_mark(session) == c->offered_mark ? NULL : session;
}

void connection_broken(connection_t *c) {
    if (c->outcome == OUTCOME_FULL || c->outcome == OUTCOME_RESUMED) {
        c->outcome = OUTCOME_BROKEN;
        c->told = false;
    }
}

void connection_closed(connection_t *c, tlsresume_socket_t *o) {
    bool broken = connection_is_broken(o);
    mbedtls_ssl_session *session = NULL;
    if (!broken && c->outcome != OUTCOME_NONE && (session = connection_fresh(c, o)) != NULL) {
        o->ssl.session = NULL; // moved, not copied; upstream is about to free the rest
    }
    c->given = MP_OBJ_NULL;
    CONNECTIONS_LOCK();
    if (broken) {
        connection_broken(c);
    } else if (c->outcome == OUTCOME_NONE) {
        c->outcome = o->ssl.state == MBEDTLS_SSL_HELLO_REQUEST ? OUTCOME_UNUSED : OUTCOME_LOST;
    }
    c->session = session;
    c->hidden_socket = 0;
    CONNECTIONS_UNLOCK();
    drop_surplus();
}
