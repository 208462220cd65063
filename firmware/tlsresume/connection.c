// The life of an adopted socket: from the offer to the session that is taken from it.
//
// An adopted SSLSocket stays upstream's object. Its type becomes a copy of upstream's in
// which a few slots are ours:
//   negotiating_type   read and write watch for the end of the handshake
//   established_type   read is upstream's own (TLS 1.2) or picks up tickets (TLS 1.3)
//   ended_type         the peer's close_notify was seen by us first: read says so
// In all of them ioctl sees the close.

#include "tlsresume.h"

#include <string.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/error.h"
#include "mbedtls/platform.h"
#include "mbedtls/version.h"
#if TLSRESUME_TLS13
#include "psa/crypto.h"
#endif

// Where a connection stands; written by the functions named.
enum {
    NEGOTIATING, // tlsresume_adopt
    ESTABLISHED, // connection_negotiated
    CLOSED, // connection_closed
    FAILED, // connection_failed: the handshake, or later by a fatal alert
};

// What tlsresume_take reports; lib/tlsresume/harvest.py has the same numbers.
enum {
    EVENT_FULL, // negotiated by a full handshake
    EVENT_RESUMED, // negotiated by resumption
    EVENT_FAILED, // a handshake failed, or a fatal alert ended the connection
    EVENT_POLLED, // a session of an open connection
    EVENT_CLOSED, // a session of a closed connection
    EVENT_READ, // a TLS 1.3 ticket that came within a read
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

static mp_obj_full_type_t negotiating_type, established_type;
static mp_stream_p_t negotiating_p, established_p;
#if TLSRESUME_TLS13
static mp_obj_full_type_t ended_type;
static mp_stream_p_t ended_p;
#endif
static const mp_obj_type_t *upstream_type;
static const mp_stream_p_t *upstream_p;

// Newest first. Keeps the connections alive, but not their sockets.
MP_REGISTER_ROOT_POINTER(struct _connection_t *tlsresume_connections);
#define CONNECTIONS MP_STATE_VM(tlsresume_connections)

/******************************************************************************/
// The list.

static connection_t *connection_find(const void *socket) {
    connection_t *c = CONNECTIONS;
    while (c != NULL && c->hidden_socket != ~(uintptr_t)socket) {
        c = c->next;
    }
    return c;
}

static tlsresume_socket_t *connection_socket(const connection_t *c) {
    return (tlsresume_socket_t *)~c->hidden_socket;
}

static void connection_unlink(connection_t *c) {
    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    for (connection_t **p = &CONNECTIONS; *p != NULL; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    MICROPY_END_ATOMIC_SECTION(atomic_state);
}

static void connection_drop_session(connection_t *c) {
    if (c->session != NULL) {
        mbedtls_ssl_session_free(c->session); // zeroes it
        mbedtls_free(c->session);
        c->session = NULL;
    }
}

// A soft reset finalises everything in the order of addresses: unlinked first, a
// connection is not found by its socket's close; closed first, its session is freed here.
static mp_obj_t connection_del(mp_obj_t self_in) {
    connection_t *c = MP_OBJ_TO_PTR(self_in);
    connection_unlink(c);
    connection_drop_session(c);
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

/******************************************************************************/
// Transitions.

static bool handshake_over(const tlsresume_socket_t *o) {
    return o->ssl.state >= MBEDTLS_SSL_HANDSHAKE_OVER;
}

static void connection_negotiated(tlsresume_socket_t *o) {
    connection_t *c = connection_find(o);
    if (c != NULL) {
        c->resumed = c->offered && !session_has_peer(o->ssl.session);
        c->negotiated_ms = c->made_ms = mp_hal_ticks_ms();
        c->state = ESTABLISHED;
    }
    o->base.type = (const mp_obj_type_t *)&established_type;
}

// Whether the session was not taken yet, and is not the one that was offered.
static bool fresh(const connection_t *c, const mbedtls_ssl_session *session) {
    return session != NULL && !session->exported && session_resumable(session)
           && !(c->resumed && session_mark(session) == c->offered_mark);
}

// Whether the connection ended in an error of TLS: it must not be resumed (RFC 5246 7.2.2).
// Upstream keeps the error, poll tells that there is one, and read tells which, both before
// they touch the stream below. That one may be Python code, which has no place in a finaliser.
static bool broken(tlsresume_socket_t *o) {
    if (gc_is_locked() && (mp_obj_get_type(o->sock)->flags & MP_TYPE_FLAG_INSTANCE_TYPE)) {
        return false;
    }
    int err = 0;
    byte none;
    return upstream_p->ioctl(MP_OBJ_FROM_PTR(o), MP_STREAM_POLL, 0, &err) == MP_STREAM_POLL_NVAL
           && upstream_p->read(MP_OBJ_FROM_PTR(o), &none, 1, &err) == MP_STREAM_ERROR
           && err <= -256 && err != MBEDTLS_ERR_SSL_CONN_EOF;
}

static void connection_failed(connection_t *c) {
    c->state = FAILED;
    c->reported = false;
    c->hidden_socket = 0;
}

// Runs in finalisers too: nothing here allocates on the GC's heap or runs Python.
static void connection_closed(connection_t *c, tlsresume_socket_t *o) {
    mbedtls_ssl_session *session = o->ssl.session;
    if (c->state == ESTABLISHED && fresh(c, session)) {
        // Moved, not copied. Upstream is about to free the rest.
        c->session = session;
        o->ssl.session = NULL;
    }
    c->reported |= c->state == NEGOTIATING; // given up by the application: nothing to tell
    c->state = CLOSED;
    c->hidden_socket = 0;

    size_t waiting = 0;
    for (connection_t *other = CONNECTIONS; other != NULL; other = other->next) {
        if (other->session != NULL && ++waiting > TLSRESUME_MAX_CLOSED) {
            connection_drop_session(other);
        }
    }
}

/******************************************************************************/
// TLS 1.3: tickets.

#if TLSRESUME_TLS13

static bool ticket_fresh(const tlsresume_socket_t *o) {
    const connection_t *c = connection_find(o);
    return c != NULL && fresh(c, o->ssl.session);
}

// Pack a ticket that has just been processed: the next one overwrites it. Without memory
// it is lost, and nothing else.
static void ticket_collect(tlsresume_socket_t *o) {
    connection_t *c = connection_find(o);
    o->ssl.session->exported = 1;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return;
    }
    mp_obj_t packed = session_pack(o->ssl.session);
    nlr_pop();
    if (c->n_tickets == TLSRESUME_MAX_TICKETS) {
        mp_buffer_info_t oldest;
        mp_get_buffer_raise(c->tickets[0], &oldest, MP_BUFFER_WRITE);
        memset(oldest.buf, 0, oldest.len);
        memmove(c->tickets, c->tickets + 1, --c->n_tickets * sizeof(mp_obj_t));
    }
    c->tickets[c->n_tickets++] = packed;
    c->made_ms = mp_hal_ticks_ms();
}

// Like upstream's, but says "would block" instead of blocking.
static int recv_if_ready(void *ctx, unsigned char *buf, size_t len) {
    mp_obj_t sock = *(mp_obj_t *)ctx;
    const mp_stream_p_t *stream_p = mp_get_stream(sock);
    int err = 0;
    mp_uint_t ret = stream_p->ioctl(sock, MP_STREAM_POLL, MP_STREAM_POLL_RD, &err);
    if (ret == MP_STREAM_ERROR || !(ret & MP_STREAM_POLL_RD)) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    ret = stream_p->read(sock, buf, len, &err);
    if (ret == MP_STREAM_ERROR) {
        return mp_is_nonblocking_error(err) ? MBEDTLS_ERR_SSL_WANT_READ : -err;
    }
    return ret;
}

// Process what has arrived up to the first byte of application data, which stays.
static void ticket_look(tlsresume_socket_t *o) {
    if (o->ssl.tls_version != MBEDTLS_SSL_VERSION_TLS1_3 || o->ssl.in_offt != NULL || o->ssl.f_recv == NULL) {
        return;
    }
    mbedtls_ssl_recv_t *f_recv = o->ssl.f_recv;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        o->ssl.f_recv = recv_if_ready;
        byte none;
        int ret;
        size_t budget = 4 * TLSRESUME_MAX_TICKETS; // two returns a ticket
        do {
            ret = mbedtls_ssl_read(&o->ssl, &none, 0);
            if (ticket_fresh(o)) {
                ticket_collect(o);
            } else if (!(ret == MBEDTLS_ERR_SSL_WANT_READ && o->ssl.state == MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET)) {
                break;
            }
        } while (--budget > 0);
        if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            o->base.type = (const mp_obj_type_t *)&ended_type;
        }
        nlr_pop();
    }
    o->ssl.f_recv = f_recv;
}

// Upstream reports EAGAIN twice a ticket, on a blocking socket too: once when the message
// is recognised, once when it is processed. Ask again, and the application sees neither.
static mp_uint_t established_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    size_t budget = 255; // a flood must not hold up a non-blocking reader for ever
    for (;;) {
        mp_uint_t ret = upstream_p->read(o_in, buf, size, errcode);
        if (ret != MP_STREAM_ERROR || !mp_is_nonblocking_error(*errcode) || --budget == 0) {
            return ret;
        }
        if (ticket_fresh(o)) {
            ticket_collect(o);
        } else if (o->ssl.state != MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET) {
            return ret;
        }
        *errcode = 0; // py/stream.c takes it for an error even next to data
    }
}

static mp_uint_t ended_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    return 0;
}

#endif // TLSRESUME_TLS13

/******************************************************************************/
// The slots of an adopted socket.

static mp_uint_t negotiating_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    mp_uint_t ret = upstream_p->read(o_in, buf, size, errcode);
    if (handshake_over(o)) {
        connection_negotiated(o);
        #if TLSRESUME_TLS13
        if (ret == MP_STREAM_ERROR && mp_is_nonblocking_error(*errcode)) {
            return established_p.read(o_in, buf, size, errcode);
        }
        #endif
    }
    return ret;
}

static mp_uint_t negotiating_write(mp_obj_t o_in, const void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    mp_uint_t ret = upstream_p->write(o_in, buf, size, errcode);
    if (handshake_over(o)) {
        connection_negotiated(o);
    }
    return ret;
}

// What upstream leaves out: a close_notify (RFC 5246 7.2.1). Without one, OpenSSL's servers
// drop the session from their cache. A peer that cannot take it now does not get one.
static void close_notify(tlsresume_socket_t *o) {
    int err = 0;
    mp_uint_t ready = mp_get_stream(o->sock)->ioctl(o->sock, MP_STREAM_POLL, MP_STREAM_POLL_WR, &err);
    if (ready != MP_STREAM_ERROR && (ready & MP_STREAM_POLL_WR)) {
        mbedtls_ssl_close_notify(&o->ssl);
    }
}

// The end of an established connection, before upstream's part of it; whatever a stream in
// Python raises, the close goes on. Returns whether the connection was in order.
static bool take_leave(tlsresume_socket_t *o) {
    volatile bool in_order = true;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        in_order = !broken(o);
        if (in_order && !gc_is_locked()) {
            #if TLSRESUME_TLS13
            ticket_look(o);
            #endif
            close_notify(o);
        }
        nlr_pop();
    }
    return in_order;
}

static mp_uint_t socket_ioctl(mp_obj_t o_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    if (request == MP_STREAM_CLOSE) {
        tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
        connection_t *c = connection_find(o);
        if (c != NULL && (o->sock == MP_OBJ_NULL || (c->state == ESTABLISHED && !take_leave(o)))) {
            connection_failed(c);
        } else if (c != NULL) {
            connection_closed(c, o);
        }
    }
    #if TLSRESUME_TLS13
    if (request == MP_STREAM_POLL && mp_obj_get_type(o_in) == (const mp_obj_type_t *)&ended_type) {
        return arg & (MP_STREAM_POLL_RD | MP_STREAM_POLL_WR);
    }
    #endif
    return upstream_p->ioctl(o_in, request, arg, errcode);
}

// None once closed, as in CPython, where a closed SSLSocket has no SSL object.
static mp_obj_t socket_session_reused(tlsresume_socket_t *o) {
    connection_t *c = connection_find(o);
    return c == NULL || o->sock == MP_OBJ_NULL ? mp_const_none : mp_obj_new_bool(c->resumed);
}

static mp_obj_t socket_session(tlsresume_socket_t *o) {
    mbedtls_ssl_session *session = o->ssl.session;
    if (o->sock == MP_OBJ_NULL || !handshake_over(o) || !session_resumable(session)) {
        return mp_const_none;
    }
    mp_obj_t module = mp_import_name(MP_QSTR_tlsresume, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    return mp_call_function_1(mp_load_attr(module, MP_QSTR_SSLSession), session_pack(session));
}

static void socket_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (attr == MP_QSTR_session_reused && dest[0] == MP_OBJ_NULL) {
        dest[0] = socket_session_reused(MP_OBJ_TO_PTR(self_in));
    } else if (attr == MP_QSTR_session && dest[0] == MP_OBJ_NULL) {
        dest[0] = socket_session(MP_OBJ_TO_PTR(self_in));
    } else if (dest[0] == MP_OBJ_NULL) {
        dest[1] = MP_OBJ_SENTINEL; // continue in locals_dict
    }
}

/******************************************************************************/
// Adoption.

static void derive_type(mp_obj_full_type_t *type, const mp_obj_type_t *upstream, const mp_stream_p_t *protocol) {
    size_t n_slots = 0;
    for (const uint8_t *index = &upstream->slot_index_make_new; index <= &upstream->slot_index_locals_dict; ++index) {
        n_slots = MAX(n_slots, *index);
    }
    memcpy(type, upstream, sizeof(mp_obj_empty_type_t));
    memcpy(type->slots, upstream->slots, n_slots * sizeof(void *));
    MP_OBJ_TYPE_SET_SLOT(type, protocol, protocol, upstream->slot_index_protocol - 1);
    MP_OBJ_TYPE_SET_SLOT(type, attr, socket_attr, n_slots);
}

static void derive_types(const mp_obj_type_t *upstream) {
    if (upstream_p != NULL) {
        return;
    }
    const mp_stream_p_t *p = MP_OBJ_TYPE_GET_SLOT(upstream, protocol);
    negotiating_p = established_p = *p;
    negotiating_p.read = negotiating_read;
    negotiating_p.write = negotiating_write;
    negotiating_p.ioctl = established_p.ioctl = socket_ioctl;
    #if TLSRESUME_TLS13
    established_p.read = established_read;
    ended_p = established_p;
    ended_p.read = ended_read;
    derive_type(&ended_type, upstream, &ended_p);
    #endif
    derive_type(&negotiating_type, upstream, &negotiating_p);
    derive_type(&established_type, upstream, &established_p);
    upstream_type = upstream;
    upstream_p = p;
}

// Prove that this socket is laid out as tlsresume_socket_t says, before it is trusted.
static bool layout_fits(const tlsresume_socket_t *o, mp_obj_t context) {
    const mp_obj_type_t *type = o->base.type;
    size_t context_len = gc_nbytes(MP_OBJ_TO_PTR(context));
    return type->name == MP_QSTR_SSLSocket
           && MP_OBJ_TYPE_HAS_SLOT(type, protocol) && !MP_OBJ_TYPE_HAS_SLOT(type, attr)
           && gc_nbytes(o) >= sizeof(tlsresume_socket_t)
           && o->ssl_context == MP_OBJ_TO_PTR(context)
           && (uintptr_t)o->ssl.conf - (uintptr_t)o->ssl_context < context_len;
}

#if TLSRESUME_TLS13
// What a context needs for TLS 1.3, once. The socket that is at hand is set up anew by it.
static int configure_tls13(mbedtls_ssl_context *ssl) {
    // Mbed TLS prefers PSS, and then refuses it from a TLS 1.2 server that obliges.
    static const uint16_t sig_algs[] = {
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
        MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
        MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
        MBEDTLS_TLS1_3_SIG_NONE,
    };
    mbedtls_ssl_config *conf = (mbedtls_ssl_config *)ssl->conf;
    if (conf->sig_algs == sig_algs) {
        return 0;
    }
    psa_crypto_init(); // upstream does so since 1.25 only; idempotent
    mbedtls_ssl_conf_sig_algs(conf, sig_algs);
    #if MBEDTLS_VERSION_NUMBER >= 0x03060100
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    #endif
    return mbedtls_ssl_session_reset(ssl);
}
#endif

// adopt(socket, context, owner[, packed, age_ms]) -> bool
//
// Watch a client socket that tls.SSLContext(context).wrap_socket has made without a
// handshake, and offer a packed session. The owner is what take() hands back. Returns
// whether the session is offered. Raises NotImplementedError where MicroPython is laid
// out otherwise, and MemoryError; the socket is then as it was.
static mp_obj_t tlsresume_adopt(size_t n_args, const mp_obj_t *args) {
    if (!mp_obj_is_obj(args[0]) || !mp_obj_is_obj(args[1]) || !layout_fits(MP_OBJ_TO_PTR(args[0]), args[1])) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("tlsresume does not know this release's SSLSocket: " MICROPY_VERSION_STRING));
    }
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(args[0]);
    derive_types(o->base.type);

    connection_t *c = mp_obj_malloc_with_finaliser(connection_t, &connection_type);
    memset((byte *)c + sizeof(c->base), 0, sizeof(*c) - sizeof(c->base));
    c->hidden_socket = ~(uintptr_t)o;
    c->owner = args[2];
    c->state = NEGOTIATING;
    #if TLSRESUME_TLS13
    if (configure_tls13(&o->ssl) != 0) {
        m_malloc_fail(0); // allocation is all that can fail
    }
    #endif
    if (n_args > 3 && args[3] != mp_const_none) {
        c->offered = session_offer(&o->ssl, args[3], n_args > 4 ? mp_obj_get_int_truncated(args[4]) : 0);
        c->offered_mark = session_mark(o->ssl.session_negotiate);
    }

    mp_uint_t atomic_state = MICROPY_BEGIN_ATOMIC_SECTION();
    c->next = CONNECTIONS;
    CONNECTIONS = c;
    MICROPY_END_ATOMIC_SECTION(atomic_state);
    o->base.type = (const mp_obj_type_t *)&negotiating_type;
    return mp_obj_new_bool(c->offered);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_adopt_obj, 3, 5, tlsresume_adopt);

static void raise_handshake_error(int ret, uint32_t verify_flags) {
    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        char info[256];
        if (mbedtls_x509_crt_verify_info(info, sizeof(info), "\n", verify_flags) > 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), info);
        }
    }
    if (ret == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
        mp_raise_OSError(MP_ENOMEM);
    }
    if (ret > -256) {
        mp_raise_OSError(-ret); // an errno of the stream below
    }
    #if defined(MBEDTLS_ERROR_C)
    char text[80];
    mbedtls_strerror(ret, text, sizeof(text));
    mp_obj_t args[] = { MP_OBJ_NEW_SMALL_INT(ret), mp_obj_new_str(text, strlen(text)) };
    nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
    #else
    mp_raise_OSError(ret);
    #endif
}

// handshake(socket): finish the handshake of a socket that adopt() was called for, whether
// it succeeded or had no memory, blocking as upstream's wrap_socket does. Raises what
// upstream raises; the socket is then closed.
static mp_obj_t tlsresume_handshake(mp_obj_t socket) {
    const mp_obj_type_t *type = mp_obj_get_type(socket);
    if (type != (const mp_obj_type_t *)&negotiating_type && (type != upstream_type || type == NULL)) {
        mp_raise_TypeError(MP_ERROR_TEXT("not an adopted socket"));
    }
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    int ret;
    while ((ret = mbedtls_ssl_handshake(&o->ssl)) != 0) {
        if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
            uint32_t verify_flags = mbedtls_ssl_get_verify_result(&o->ssl);
            o->sock = MP_OBJ_NULL;
            mbedtls_ssl_free(&o->ssl);
            raise_handshake_error(ret, verify_flags);
        }
        mp_event_wait_ms(1);
    }
    if (type != upstream_type) {
        connection_negotiated(o);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_handshake_obj, tlsresume_handshake);

/******************************************************************************/
// Taking.

static mp_obj_t event(const connection_t *c, mp_int_t kind, mp_obj_t packed) {
    mp_uint_t age_ms = mp_hal_ticks_ms() - c->made_ms;
    mp_obj_t items[] = {
        c->owner,
        MP_OBJ_NEW_SMALL_INT(kind),
        packed,
        mp_obj_new_bool(c->resumed),
        MP_OBJ_NEW_SMALL_INT(age_ms / 1000),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
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
    #if TLSRESUME_TLS13
    ticket_look(o);
    #endif
    mbedtls_ssl_session *session = o->ssl.session;
    if (!fresh(c, session) || broken(o)) {
        c->polled = true;
        return MP_OBJ_NULL;
    }
    mp_obj_t result = event(c, EVENT_POLLED, session_pack(session));
    session->exported = 1;
    c->polled = true;
    return result;
}

static mp_obj_t take_closed(connection_t *c) {
    mp_obj_t result = event(c, EVENT_CLOSED, session_pack(c->session));
    connection_drop_session(c);
    return result;
}

// What this connection has to tell now, or MP_OBJ_NULL. Raises MemoryError, having
// changed nothing.
static mp_obj_t connection_take(connection_t *c, mp_uint_t age_ms) {
    if (failed_in_upstream(c)) {
        connection_failed(c);
    }
    if (!c->reported && c->state != NEGOTIATING) {
        mp_int_t kind = c->state == FAILED ? EVENT_FAILED : c->resumed ? EVENT_RESUMED : EVENT_FULL;
        mp_obj_t result = event(c, kind, mp_const_none);
        c->reported = true;
        return result;
    }
    #if TLSRESUME_TLS13
    if (c->n_tickets > 0) {
        mp_obj_t result = event(c, EVENT_READ, c->tickets[0]);
        memmove(c->tickets, c->tickets + 1, --c->n_tickets * sizeof(mp_obj_t));
        c->tickets[c->n_tickets] = MP_OBJ_NULL;
        return result;
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
