// An adopted SSLSocket stays upstream's object. Its type becomes a copy of upstream's in which a
// few slots are ours:
//   NEGOTIATING        read and write watch for the end of the handshake
//   WRITING            the first write turns TCP_NODELAY off again
//   ESTABLISHED        read and write are upstream's own
//   TICKETED           the same in TLS 1.3, where read picks up tickets
//   READING            the same within a read: Mbed TLS does not stand another one then
// In all of them ioctl sees the close, and attr has `session` and `session_reused`.

#include "connection.h"

#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/error.h"

typedef struct _socket_type_t {
    mp_obj_full_type_t type;
    mp_stream_p_t protocol;
} socket_type_t;

#define IS_TYPE(o, t) ((o)->base.type == (const mp_obj_type_t *)&types[t].type)
#define SET_TYPE(o, t) ((o)->base.type = (const mp_obj_type_t *)&types[t].type)

enum {
    NEGOTIATING,
    WRITING,
    ESTABLISHED,
    #if TLSRESUME_TLS13
    TICKETED,
    READING,
    #endif
    N_TYPES,
};

static socket_type_t types[N_TYPES];
static const mp_stream_p_t *upstream_p;

/******************************************************************************/
// The handshake.

void sslsocket_raise(tlsresume_socket_t *o, int ret) {
    uint32_t verify_flags = mbedtls_ssl_get_verify_result(&o->ssl);
    #if TLSRESUME_SERVER
    // In TLS 1.2 Mbed TLS leaves this alert out, and the client would wait for what comes (RFC 5246 7.4.6).
    if (ret == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE && o->ssl.tls_version != MBEDTLS_SSL_VERSION_TLS1_3) {
        mbedtls_ssl_send_alert_message(&o->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
    }
    #endif
    o->sock = MP_OBJ_NULL;
    mbedtls_ssl_free(&o->ssl);
    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        char info[256];
        if (mbedtls_x509_crt_verify_info(info, sizeof(info), "\n", verify_flags) > 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), info);
        }
    }
    if (ret == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
        ret = -MP_ENOMEM;
    }
    if (IS_ERRNO(ret)) {
        mp_raise_OSError(-ret);
    }
    #if defined(MBEDTLS_ERROR_C)
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) { // without memory the number has to do
        char text[80];
        mbedtls_strerror(ret, text, sizeof(text));
        mp_obj_t args[] = { MP_OBJ_NEW_SMALL_INT(ret), mp_obj_new_str_from_cstr(text) };
        nlr_pop();
        nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
    }
    #endif
    mp_raise_OSError(ret);
}

static void negotiated(tlsresume_socket_t *o, int ret) {
    if (!IS_TYPE(o, NEGOTIATING)) {
        return; // again: readline keeps to the functions that it has begun with (py/stream.c)
    }
    connection_t *c = connection_find(o);
    SET_TYPE(o, ESTABLISHED);
    if (c != NULL) {
        connection_negotiated(c, o, ret);
        if (nagle_awaits_write(c, o)) {
            SET_TYPE(o, WRITING);
        } else {
            nagle_restore(c, o);
        }
    }
    #if TLSRESUME_SERVER
    if (ret == 0 && is_server(o)) {
        server_negotiated(&o->ssl);
    }
    #endif
    #if TLSRESUME_TLS13
    if (!is_server(o) && o->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        SET_TYPE(o, TICKETED);
    }
    #endif
}

// Goes on with the handshake as upstream's read and write do, but for seeing how it ends. Returns 0
// when it is over, or Mbed TLS's "would block" or end of file; raises what upstream raises for the
// rest, and the socket is then closed.
int sslsocket_negotiate(tlsresume_socket_t *o) {
    #if MICROPY_PY_SSL_MBEDTLS_NEED_ACTIVE_CONTEXT
    MP_STATE_THREAD(tls_ssl_context) = o->ssl_context; // a socket's close takes it away
    #endif
    int ret = mbedtls_ssl_handshake(&o->ssl);
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return ret;
    }
    negotiated(o, ret);
    if (ret != 0 && ret != MBEDTLS_ERR_SSL_CONN_EOF) {
        sslsocket_raise(o, ret);
    }
    o->last_error = ret;
    return ret;
}

// The same within a read or write, where `wanted` is what it waits for by itself. Returns whether
// to go on with it.
static MP_NOINLINE bool negotiate(tlsresume_socket_t *o, int wanted, int *errcode) {
    o->poll_mask = 0;
    int ret = sslsocket_negotiate(o);
    *errcode = ret;
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        *errcode = MP_EWOULDBLOCK;
        if (ret != wanted) {
            o->poll_mask = ret == MBEDTLS_ERR_SSL_WANT_READ ? MP_STREAM_POLL_RD : MP_STREAM_POLL_WR;
        }
    }
    return ret == 0;
}

static mp_uint_t negotiating_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    if (!negotiate(o, MBEDTLS_ERR_SSL_WANT_READ, errcode)) {
        return MP_STREAM_ERROR;
    }
    return mp_get_stream(o_in)->read(o_in, buf, size, errcode); // of its new type
}

static mp_uint_t negotiating_write(mp_obj_t o_in, const void *buf, mp_uint_t size, int *errcode) {
    if (!negotiate(MP_OBJ_TO_PTR(o_in), MBEDTLS_ERR_SSL_WANT_WRITE, errcode)) {
        return MP_STREAM_ERROR;
    }
    return mp_get_stream(o_in)->write(o_in, buf, size, errcode);
}

static mp_uint_t first_write(mp_obj_t o_in, const void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    mp_uint_t ret = upstream_p->write(o_in, buf, size, errcode);
    if (ret != MP_STREAM_ERROR && IS_TYPE(o, WRITING)) {
        SET_TYPE(o, ESTABLISHED);
        connection_t *c = connection_find(o);
        if (c != NULL) {
            nagle_restore(c, o);
        }
    }
    return ret;
}

/******************************************************************************/
// Reads in TLS 1.3.

#if TLSRESUME_TLS13
// Upstream reports EAGAIN twice a ticket, on a blocking socket too: once when the message is
// recognised, once when it is processed. Read again, and the application sees neither. A flood of
// tickets holds up the reader, as it does where upstream ignores them.
static mp_uint_t ticketed_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    SET_TYPE(o, READING);
    mp_uint_t ret = upstream_p->read(o_in, buf, size, errcode);
    while (ret == MP_STREAM_ERROR && mp_is_nonblocking_error(*errcode) && ticket_step(o)) {
        *errcode = 0; // py/stream.c takes it for an error even next to data
        ret = upstream_p->read(o_in, buf, size, errcode);
    }
    SET_TYPE(o, TICKETED);
    return ret;
}
#endif

/******************************************************************************/
// Close.

static bool stream_ready(mp_obj_t sock, mp_uint_t flag) {
    int err = 0;
    mp_uint_t ready = mp_get_stream(sock)->ioctl(sock, MP_STREAM_POLL, flag, &err);
    return ready != MP_STREAM_ERROR && (ready & flag);
}

// The tickets that nobody has read, and what upstream leaves out: a close_notify (RFC 5246 7.2.1).
// Without one OpenSSL's servers drop the session from their cache. A peer that cannot take it now
// does not get one. What a stream in Python raises ends here, but for what ends a program, which is
// returned.
static void *leave(tlsresume_socket_t *o) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        bool ends = !mp_obj_exception_match(MP_OBJ_FROM_PTR(nlr.ret_val), MP_OBJ_FROM_PTR(&mp_type_Exception));
        return ends ? nlr.ret_val : NULL;
    }
    #if TLSRESUME_TLS13
    if (!connection_is_broken(o) && IS_TYPE(o, TICKETED)) {
        ticket_look(o);
    }
    #endif
    if (!connection_is_broken(o) && o->sock != MP_OBJ_NULL && stream_ready(o->sock, MP_STREAM_POLL_WR)) {
        mbedtls_ssl_close_notify(&o->ssl);
    }
    nlr_pop();
    return NULL;
}

static mp_uint_t socket_ioctl(mp_obj_t o_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    void *raised = NULL;
    if (request == MP_STREAM_CLOSE) {
        connection_t *c = connection_find(o);
        if ((c != NULL || is_server(o)) && handshake_over(o) && !gc_is_locked()) { // not in a finaliser
            raised = leave(o);
        }
        if (c != NULL && c->hidden_socket != 0) {
            connection_closed(c, o);
        }
        SET_TYPE(o, ESTABLISHED); // from here on upstream tells
    }
    mp_uint_t ret = upstream_p->ioctl(o_in, request, arg, errcode);
    if (raised != NULL) {
        nlr_jump(raised);
    }
    return ret;
}

/******************************************************************************/
// The types.

static void derive_type(socket_type_t *derived, const mp_obj_type_t *upstream) {
    mp_obj_full_type_t *type = &derived->type;
    size_t n_slots = 0;
    for (const uint8_t *index = &upstream->slot_index_make_new; index <= &upstream->slot_index_locals_dict; ++index) {
        n_slots = MAX(n_slots, *index);
    }
    memcpy(type, upstream, sizeof(mp_obj_empty_type_t) + n_slots * sizeof(void *));
    const mp_stream_p_t *p = MP_OBJ_TYPE_GET_SLOT(upstream, protocol);
    derived->protocol.read = p->read;
    derived->protocol.write = p->write;
    derived->protocol.ioctl = socket_ioctl;
    MP_OBJ_TYPE_SET_SLOT(type, protocol, &derived->protocol, upstream->slot_index_protocol - 1);
    MP_OBJ_TYPE_SET_SLOT(type, attr, attributes_attr, MP_ARRAY_SIZE(type->slots) - 1);
}

// Learn them from upstream's, once.
static void derive_types(const mp_obj_type_t *upstream) {
    for (size_t i = 0; i < N_TYPES; ++i) {
        derive_type(&types[i], upstream);
    }
    types[NEGOTIATING].protocol.read = negotiating_read;
    types[NEGOTIATING].protocol.write = negotiating_write;
    types[WRITING].protocol.write = first_write;
    #if TLSRESUME_TLS13
    types[TICKETED].protocol.read = ticketed_read;
    types[READING].protocol.read = ticketed_read;
    #endif
    upstream_p = MP_OBJ_TYPE_GET_SLOT(upstream, protocol);
}

void sslsocket_adopt(tlsresume_socket_t *o) {
    if (upstream_p == NULL) {
        derive_types(o->base.type);
        #if TLSRESUME_TLS13
        ticket_upstream_recv = o->ssl.f_recv;
        #endif
    }
    SET_TYPE(o, NEGOTIATING);
}
