// An adopted SSLSocket stays upstream's object. Its type becomes a copy of upstream's in
// which a few slots are ours:
//   negotiating_type   read and write watch for the end of the handshake
//   established_type   read and write are upstream's own
//   ticketed_type      the same in TLS 1.3, where read picks up tickets
//   reading_type       the same within a read, or after one that a stream in Python raised from:
//                      Mbed TLS stands a callback's or a thread's read within a read as little
// In all of them ioctl sees the close.

#include "connection.h"

#include <string.h>

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "mbedtls/error.h"

typedef struct _socket_type_t {
    mp_obj_full_type_t type;
    mp_stream_p_t protocol;
} socket_type_t;

#define IS_TYPE(o, t) ((o)->base.type == (const mp_obj_type_t *)&(t).type)
#define SET_TYPE(o, t) ((o)->base.type = (const mp_obj_type_t *)&(t).type)

static socket_type_t negotiating_type, established_type;
#if TLSRESUME_TLS13
static socket_type_t ticketed_type, reading_type;
#endif
static const mp_stream_p_t *upstream_p;

static bool handshake_over(const tlsresume_socket_t *o) {
    return o->ssl.state >= MBEDTLS_SSL_HANDSHAKE_OVER;
}

// Whether a connection that ended so is not to be resumed (RFC 5246 7.2.2, RFC 8446 6.2).
static bool is_tls_error(int err) {
    return err <= -256 && err != MBEDTLS_ERR_SSL_CONN_EOF;
}

// Upstream keeps the error, poll tells that there is one, and read tells which, both before
// they touch the stream below, unless that is closed. It may be Python code, and there may be a
// handshake to begin: neither has a place in a finaliser.
static bool broken(tlsresume_socket_t *o, bool finaliser) {
    if (finaliser && (!handshake_over(o) || (mp_obj_get_type(o->sock)->flags & MP_TYPE_FLAG_INSTANCE_TYPE))) {
        return false;
    }
    int err = 0;
    byte none;
    return upstream_p->ioctl(MP_OBJ_FROM_PTR(o), MP_STREAM_POLL, 0, &err) == MP_STREAM_POLL_NVAL
           && upstream_p->read(MP_OBJ_FROM_PTR(o), &none, 1, &err) == MP_STREAM_ERROR
           && (is_tls_error(err) || !handshake_over(o));
}

// What upstream leaves out: a close_notify (RFC 5246 7.2.1). Without one, OpenSSL's servers drop the
// session from their cache. A peer that cannot take it now does not get one.
static void leave_in_order(tlsresume_socket_t *o) {
    if (o->sock != MP_OBJ_NULL && stream_ready(o->sock, MP_STREAM_POLL_WR)) {
        mbedtls_ssl_close_notify(&o->ssl);
    }
}

static bool look(connection_t *c, tlsresume_socket_t *o, bool leave) {
    bool finaliser = gc_is_locked();
    if (broken(o, finaliser)) {
        return false;
    }
    #if TLSRESUME_TLS13
    if (!finaliser && IS_TYPE(o, ticketed_type) && c->ended == 0) {
        c->ended = ticket_look(o);
    }
    if (is_tls_error(c->ended) && c->ended != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return false;
    }
    #endif
    if (!finaliser && leave) {
        leave_in_order(o);
    }
    return true;
}

#if TLSRESUME_TLS13
// Tells upstream's next read what a look has come upon.
static int ended_recv(void *ctx, unsigned char *buf, size_t len) {
    (void)buf;
    (void)len;
    const connection_t *c = connection_find((byte *)ctx - offsetof(tlsresume_socket_t, sock));
    return c == NULL ? 0 : c->ended;
}
#endif

bool sslsocket_look(connection_t *c, bool leave) {
    tlsresume_socket_t *o = connection_socket(c);
    #if TLSRESUME_TLS13
    mbedtls_ssl_recv_t *f_recv = o->ssl.f_recv; // ticket_look has one of its own
    #endif
    volatile bool in_order = true;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        in_order = look(c, o, leave);
        nlr_pop();
    }
    #if TLSRESUME_TLS13
    o->ssl.f_recv = c->ended != 0 ? ended_recv : f_recv;
    #endif
    return in_order;
}

#if TLSRESUME_TLS13
// Upstream reports EAGAIN twice a ticket, on a blocking socket too: once when the message
// is recognised, once when it is processed. Ask again, and the application sees neither. A
// flood of tickets holds up the reader, as it does where upstream ignores them.
static bool again(tlsresume_socket_t *o, mp_uint_t ret, int *errcode) {
    if (ret != MP_STREAM_ERROR || !mp_is_nonblocking_error(*errcode) || !ticket_step(o)) {
        return false;
    }
    *errcode = 0; // py/stream.c takes it for an error even next to data
    return true;
}

static mp_uint_t ticketed_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    mp_uint_t ret;
    SET_TYPE(o, reading_type);
    do {
        ret = upstream_p->read(o_in, buf, size, errcode);
    } while (again(o, ret, errcode));
    SET_TYPE(o, ticketed_type);
    return ret;
}

#endif

#if TLSRESUME_SERVER
static bool is_server(const tlsresume_socket_t *o) {
    return o->ssl.conf != NULL && o->ssl.conf->endpoint == MBEDTLS_SSL_IS_SERVER;
}
#endif

// The handshake may have ended; also in a read or write that a stream in Python then raised from.
static void negotiated(tlsresume_socket_t *o) {
    if (!IS_TYPE(o, negotiating_type) || !handshake_over(o)) {
        return;
    }
    #if TLSRESUME_SERVER
    if (is_server(o)) {
        server_negotiated(&o->ssl);
    }
    #endif
    connection_t *c = connection_find(o);
    if (c != NULL) {
        if (c->offered) {
            c->resumed = session_resumed(o->ssl.session, c->offered_mark);
        }
        c->made_ms = c->negotiated_ms;
        c->negotiated_ms = mp_hal_ticks_ms();
        c->state = ESTABLISHED;
    }
    SET_TYPE(o, established_type);
    #if TLSRESUME_TLS13
    if (c != NULL && o->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        SET_TYPE(o, ticketed_type);
    }
    #endif
}

static mp_uint_t negotiating_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    mp_uint_t ret = upstream_p->read(o_in, buf, size, errcode);
    negotiated(o);
    #if TLSRESUME_TLS13
    if (IS_TYPE(o, ticketed_type) && again(o, ret, errcode)) {
        return ticketed_read(o_in, buf, size, errcode);
    }
    #endif
    return ret;
}

static mp_uint_t negotiating_write(mp_obj_t o_in, const void *buf, mp_uint_t size, int *errcode) {
    mp_uint_t ret = upstream_p->write(o_in, buf, size, errcode);
    negotiated(MP_OBJ_TO_PTR(o_in));
    return ret;
}

#if TLSRESUME_SERVER
static void server_close(tlsresume_socket_t *o) {
    negotiated(o);
    nlr_buf_t nlr;
    if (handshake_over(o) && !gc_is_locked() && nlr_push(&nlr) == 0) {
        leave_in_order(o);
        nlr_pop();
    }
}
#endif

static mp_uint_t socket_ioctl(mp_obj_t o_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    if (request == MP_STREAM_CLOSE) {
        connection_t *c = connection_find(o);
        if (c != NULL) {
            negotiated(o);
            bool in_order = o->sock != MP_OBJ_NULL && sslsocket_look(c, c->state == ESTABLISHED);
            connection_closed(c, o, in_order);
        }
        #if TLSRESUME_SERVER
        if (is_server(o)) {
            server_close(o);
        }
        #endif
    }
    mp_uint_t ret = upstream_p->ioctl(o_in, request, arg, errcode);
    #if TLSRESUME_TLS13
    if (request == MP_STREAM_POLL && ret != MP_STREAM_POLL_NVAL && o->ssl.f_recv == ended_recv) {
        ret |= arg & MP_STREAM_POLL_RD;
    }
    #endif
    return ret;
}

// None once closed, as in CPython, where a closed SSLSocket has no SSL object.
static mp_obj_t socket_session_reused(const tlsresume_socket_t *o) {
    #if TLSRESUME_SERVER
    if (is_server(o)) {
        return mp_obj_new_bool(handshake_over(o) && server_resumed(&o->ssl));
    }
    #endif
    const connection_t *c = connection_find(o);
    return c == NULL || o->sock == MP_OBJ_NULL ? mp_const_none : mp_obj_new_bool(c->resumed);
}

static mp_obj_t socket_session(const tlsresume_socket_t *o) {
    // First, since it may run a callback that closes the socket.
    mp_obj_t module = mp_import_name(MP_QSTR_tlsresume, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    mp_obj_t type = mp_load_attr(module, MP_QSTR_SSLSession);
    if (!handshake_over(o) || connection_find(o) == NULL || !session_resumable(o->ssl.session)) {
        return mp_const_none;
    }
    return mp_call_function_1(type, session_pack(o->ssl.session));
}

static MP_NOINLINE void socket_load_session(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] == MP_OBJ_NULL) { // a load, not a store
        const tlsresume_socket_t *o = MP_OBJ_TO_PTR(self_in);
        dest[0] = attr == MP_QSTR_session ? socket_session(o) : socket_session_reused(o);
    }
}

// Called for each use of a method, too, and then as short as can be.
static void socket_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (attr == MP_QSTR_session || attr == MP_QSTR_session_reused) {
        socket_load_session(self_in, attr, dest);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // continue in locals_dict
    }
}

/******************************************************************************/
// Adoption.

typedef mp_uint_t socket_read_t(mp_obj_t, void *, mp_uint_t, int *);
typedef mp_uint_t socket_write_t(mp_obj_t, const void *, mp_uint_t, int *);

static void derive_type(socket_type_t *derived, const mp_obj_type_t *upstream, socket_read_t *read, socket_write_t *write) {
    mp_obj_full_type_t *type = &derived->type;
    memcpy(type, upstream, sizeof(mp_obj_empty_type_t));
    for (const uint8_t *index = &upstream->slot_index_make_new; index <= &upstream->slot_index_locals_dict; ++index) {
        if (*index != 0) {
            type->slots[*index - 1] = upstream->slots[*index - 1];
        }
    }
    derived->protocol.read = read;
    derived->protocol.write = write;
    derived->protocol.ioctl = socket_ioctl;
    MP_OBJ_TYPE_SET_SLOT(type, protocol, &derived->protocol, upstream->slot_index_protocol - 1);
    MP_OBJ_TYPE_SET_SLOT(type, attr, socket_attr, MP_ARRAY_SIZE(type->slots) - 1);
}

static void derive_types(const mp_obj_type_t *upstream) {
    if (upstream_p != NULL) {
        return;
    }
    const mp_stream_p_t *p = MP_OBJ_TYPE_GET_SLOT(upstream, protocol);
    derive_type(&negotiating_type, upstream, negotiating_read, negotiating_write);
    derive_type(&established_type, upstream, p->read, p->write);
    #if TLSRESUME_TLS13
    derive_type(&ticketed_type, upstream, ticketed_read, p->write);
    derive_type(&reading_type, upstream, ticketed_read, p->write);
    #endif
    upstream_p = p;
}

// Prove that this socket is laid out as tlsresume_socket_t says, before it is trusted.
static bool layout_fits(mp_obj_t socket, mp_obj_t context) {
    const mp_obj_type_t *type = mp_obj_get_type(socket);
    const tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    size_t context_len = gc_nbytes(MP_OBJ_TO_PTR(context)); // 0 for what is not in the heap
    return type->name == MP_QSTR_SSLSocket
           && MP_OBJ_TYPE_HAS_SLOT(type, protocol)
           && gc_nbytes(o) >= sizeof(tlsresume_socket_t)
           && o->ssl_context == MP_OBJ_TO_PTR(context)
           && (uintptr_t)o->ssl.conf - (uintptr_t)o->ssl_context < context_len;
}

// Refuse what is laid out otherwise.
static tlsresume_socket_t *prove_socket(mp_obj_t socket, mp_obj_t context) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    // Our own types have the slot that upstream's has not.
    if (!layout_fits(socket, context) || MP_OBJ_TYPE_HAS_SLOT(o->base.type, attr)) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("tlsresume does not know this release's SSLSocket: " MICROPY_VERSION_STRING));
    }
    derive_types(o->base.type);
    return o;
}

#if TLSRESUME_SERVER
// accept(socket, context, state or None): watch a server's socket that tls.SSLContext(context).wrap_socket
// has made without a handshake, and give its client a ticket, and take one, by `state`: a bytearray that
// the context has alone, see server.c. Raises NotImplementedError where MicroPython is laid out otherwise; the
// socket is then as it was. Does not allocate.
static mp_obj_t tlsresume_accept(mp_obj_t socket, mp_obj_t context, mp_obj_t state) {
    tlsresume_socket_t *o = prove_socket(socket, context);
    if (state != mp_const_none) {
        server_configure(&o->ssl, state);
    }
    SET_TYPE(o, negotiating_type);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_3(tlsresume_accept_obj, tlsresume_accept);
#endif

// adopt(socket, context, owner, packed or None, age_ms) -> bool
//
// Watch a client socket that tls.SSLContext(context).wrap_socket has made without a
// handshake, and offer a packed session. The owner is what take() hands back. Returns
// whether the session is offered. Raises NotImplementedError where MicroPython is laid
// out otherwise, and MemoryError; the socket is then as it was.
static mp_obj_t tlsresume_adopt(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    tlsresume_socket_t *o = prove_socket(args[0], args[1]);
    connection_t *c = connection_new(o, args[2]);
    #if TLSRESUME_TLS13
    ticket_configure(&o->ssl);
    #endif
    if (args[3] != mp_const_none) {
        c->offered = session_offer(&o->ssl, args[3], mp_obj_get_int_truncated(args[4]));
        c->offered_mark = session_mark(o->ssl.session_negotiate);
    }

    connection_link(c);
    SET_TYPE(o, negotiating_type);
    return mp_obj_new_bool(c->offered);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_adopt_obj, 5, 5, tlsresume_adopt);

static void raise_handshake_error(int ret, uint32_t verify_flags) {
    if (ret == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        char info[256];
        if (mbedtls_x509_crt_verify_info(info, sizeof(info), "\n", verify_flags) > 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), info);
        }
    }
    if (ret == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
        ret = -MP_ENOMEM;
    }
    if (ret > -256) {
        mp_raise_OSError(-ret); // an errno of the stream below
    }
    #if defined(MBEDTLS_ERROR_C)
    char text[80];
    mbedtls_strerror(ret, text, sizeof(text));
    mp_obj_t args[] = { MP_OBJ_NEW_SMALL_INT(ret), mp_obj_new_str_from_cstr(text) };
    nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
    #else
    mp_raise_OSError(ret);
    #endif
}

// handshake(socket, context): finish the handshake of a socket that adopt() was called for, or
// had no memory for, blocking as upstream's wrap_socket does. Raises what upstream raises; the
// socket is then closed. Where MicroPython is laid out otherwise, the first read or write does it.
static mp_obj_t tlsresume_handshake(mp_obj_t socket, mp_obj_t context) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    if (!layout_fits(socket, context)) {
        return mp_const_none;
    }
    int ret;
    for (;;) {
        #if MICROPY_PY_SSL_MBEDTLS_NEED_ACTIVE_CONTEXT
        MP_STATE_THREAD(tls_ssl_context) = MP_OBJ_TO_PTR(context); // a socket's close takes it away
        #endif
        if ((ret = mbedtls_ssl_handshake(&o->ssl)) == 0) {
            break;
        }
        if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
            uint32_t verify_flags = mbedtls_ssl_get_verify_result(&o->ssl);
            o->sock = MP_OBJ_NULL;
            mbedtls_ssl_free(&o->ssl);
            raise_handshake_error(ret, verify_flags);
        }
        mp_event_wait_ms(1);
    }
    negotiated(o);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(tlsresume_handshake_obj, tlsresume_handshake);
