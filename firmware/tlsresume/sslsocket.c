// An adopted SSLSocket stays upstream's object. Its type becomes a copy of upstream's in which a
// few slots are ours:
//   negotiating_type   read and write watch for the end of the handshake
//   established_type   read and write are upstream's own
//   ticketed_type      the same in TLS 1.3, where read picks up tickets
//   reading_type       the same within a read: Mbed TLS does not stand another one then
// In all of them ioctl sees the close, and attr has `session` and `session_reused`.

#include "connection.h"

#include <string.h>

#include "py/gc.h"
#include "py/runtime.h"
#include "py/stream.h"

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

void sslsocket_adopt(tlsresume_socket_t *o) {
    SET_TYPE(o, negotiating_type);
}

void sslsocket_negotiated(tlsresume_socket_t *o, int err) {
    connection_t *c = connection_find(o);
    if (c != NULL && c->outcome == EVENT_NONE) {
        connection_negotiated(c, o, err);
    }
    SET_TYPE(o, established_type);
    #if TLSRESUME_TLS13
    if (err == 0 && o->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_3) {
        SET_TYPE(o, ticketed_type);
    }
    #endif
}

/******************************************************************************/
// Read and write.

// What upstream raises where a handshake fails, as Mbed TLS's error or minus an errno.
static int exception_error(mp_obj_t exception) {
    if (mp_obj_exception_match(exception, MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        mp_obj_t value = mp_obj_exception_get_value(exception);
        if (mp_obj_is_small_int(value)) {
            mp_int_t err = MP_OBJ_SMALL_INT_VALUE(value);
            return err > 0 ? -err : err;
        }
    }
    return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED; // a ValueError, or a verify callback's own
}

static mp_uint_t negotiate(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode, bool writing) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        if (handshake_over(o)) {
            sslsocket_negotiated(o, 0);
        } else if (o->sock == MP_OBJ_NULL) { // given up by upstream, and not just interrupted
            sslsocket_negotiated(o, exception_error(MP_OBJ_FROM_PTR(nlr.ret_val)));
        }
        nlr_jump(nlr.ret_val);
    }
    mp_uint_t ret = writing ? upstream_p->write(o_in, buf, size, errcode) : upstream_p->read(o_in, buf, size, errcode);
    nlr_pop();
    if (handshake_over(o)) {
        sslsocket_negotiated(o, 0);
    } else if (ret == MP_STREAM_ERROR && !mp_is_nonblocking_error(*errcode)) {
        sslsocket_negotiated(o, *errcode);
    }
    return ret;
}

static mp_uint_t negotiating_write(mp_obj_t o_in, const void *buf, mp_uint_t size, int *errcode) {
    return negotiate(o_in, (void *)buf, size, errcode, true);
}

#if TLSRESUME_TLS13
// Upstream reports EAGAIN twice a ticket, on a blocking socket too: once when the message is
// recognised, once when it is processed. Read again, and the application sees neither. A flood of
// tickets holds up the reader, as it does where upstream ignores them.
static mp_uint_t ticketed_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    SET_TYPE(o, reading_type);
    mp_uint_t ret = upstream_p->read(o_in, buf, size, errcode);
    while (ret == MP_STREAM_ERROR && mp_is_nonblocking_error(*errcode) && ticket_step(o)) {
        *errcode = 0; // py/stream.c takes it for an error even next to data
        ret = upstream_p->read(o_in, buf, size, errcode);
    }
    SET_TYPE(o, ticketed_type);
    return ret;
}
#endif

static mp_uint_t negotiating_read(mp_obj_t o_in, void *buf, mp_uint_t size, int *errcode) {
    mp_uint_t ret = negotiate(o_in, buf, size, errcode, false);
    #if TLSRESUME_TLS13
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    if (IS_TYPE(o, ticketed_type) && ret == MP_STREAM_ERROR && mp_is_nonblocking_error(*errcode) && ticket_step(o)) {
        *errcode = 0;
        ret = ticketed_read(o_in, buf, size, errcode);
    }
    #endif
    return ret;
}

/******************************************************************************/
// Close.

static bool stream_ready(mp_obj_t sock, mp_uint_t flag) {
    int err = 0;
    mp_uint_t ready = mp_get_stream(sock)->ioctl(sock, MP_STREAM_POLL, flag, &err);
    return ready != MP_STREAM_ERROR && (ready & flag);
}

// The tickets that nobody has read, and what upstream leaves out: a close_notify (RFC 5246 7.2.1).
// Without one OpenSSL's servers drop the session from their cache. A peer that cannot take it now
// does not get one. What a stream in Python raises ends here, but for what ends a program.
static void *leave(connection_t *c, tlsresume_socket_t *o) {
    volatile bool closed = false;
    void *raised = NULL;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        #if TLSRESUME_TLS13
        if (IS_TYPE(o, ticketed_type)) {
            ticket_look(o);
        }
        #endif
        bool broken = connection_is_broken(c, o);
        connection_closed(c, o);
        closed = true;
        if (!broken && o->sock != MP_OBJ_NULL && stream_ready(o->sock, MP_STREAM_POLL_WR)) {
            mbedtls_ssl_close_notify(&o->ssl);
        }
        nlr_pop();
    } else if (!mp_obj_exception_match(MP_OBJ_FROM_PTR(nlr.ret_val), MP_OBJ_FROM_PTR(&mp_type_Exception))) {
        raised = nlr.ret_val;
    }
    if (!closed) {
        connection_closed(c, o);
    }
    return raised;
}

static mp_uint_t socket_ioctl(mp_obj_t o_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    if (request != MP_STREAM_CLOSE) {
        return upstream_p->ioctl(o_in, request, arg, errcode);
    }
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(o_in);
    connection_t *c = connection_find(o);
    void *raised = NULL;
    if (c != NULL) {
        if (gc_is_locked() || !handshake_over(o)) { // a finaliser, or nothing to take leave of
            connection_closed(c, o);
        } else {
            raised = leave(c, o);
        }
    }
    mp_uint_t ret = upstream_p->ioctl(o_in, request, arg, errcode);
    if (raised != NULL) {
        nlr_jump(raised);
    }
    return ret;
}

/******************************************************************************/
// Attributes.

// Calls the method of tlsresume.SSLSession: what a session is in Python is known there.
static mp_obj_t session_call(qstr method, mp_obj_t arg1, mp_obj_t arg2) {
    mp_obj_t module = mp_import_name(MP_QSTR_tlsresume, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    mp_obj_t dest[4];
    mp_load_method(mp_load_attr(module, MP_QSTR_SSLSession), method, dest);
    dest[2] = arg1;
    dest[3] = arg2;
    return mp_call_method_n_kw(arg2 == MP_OBJ_NULL ? 1 : 2, 0, dest);
}

// The same object as long as it is the same session: each would leave a copy of the secret behind.
static mp_obj_t socket_session(tlsresume_socket_t *o) {
    connection_t *c = connection_find(o);
    if (c == NULL || !handshake_over(o) || session_len(o->ssl.session) == 0) {
        return mp_const_none;
    }
    uint32_t mark = session_mark(o->ssl.session);
    if (c->given == MP_OBJ_NULL || c->given_mark != mark) {
        mp_obj_t event = connection_event(c, EVENT_POLLED, o->ssl.session);
        mp_obj_t given = session_call(MP_QSTR__of, event, MP_OBJ_NULL);
        c->given = c->hidden_socket == 0 ? MP_OBJ_NULL : given; // a callback may have closed it
        c->given_mark = mark;
        return given;
    }
    return c->given;
}

static void socket_set_session(tlsresume_socket_t *o, mp_obj_t session) {
    connection_t *c = connection_find(o);
    if (c == NULL || c->outcome != EVENT_NONE || o->ssl.state != MBEDTLS_SSL_HELLO_REQUEST) {
        mp_raise_ValueError(MP_ERROR_TEXT("session is set before the handshake"));
    }
    size_t len;
    mp_obj_t *items; // owner, packed, age in ms
    mp_obj_get_array(session_call(MP_QSTR__offered, session, c->owner), &len, &items);
    c->owner = items[0];
    connection_offer(c, items[1], mp_obj_get_int_truncated(items[2]));
}

// None once closed, as in CPython, where a closed SSLSocket has no SSL object.
static mp_obj_t socket_session_reused(const tlsresume_socket_t *o) {
    const connection_t *c = connection_find(o);
    return o->sock == MP_OBJ_NULL ? mp_const_none : mp_obj_new_bool(c != NULL && c->outcome == EVENT_RESUMED);
}

static MP_NOINLINE void socket_own_attr(tlsresume_socket_t *o, qstr attr, mp_obj_t *dest) {
    if (dest[0] == MP_OBJ_NULL) {
        dest[0] = attr == MP_QSTR_session ? socket_session(o) : socket_session_reused(o);
    } else if (attr == MP_QSTR_session && dest[1] != MP_OBJ_NULL) {
        socket_set_session(o, dest[1]);
        dest[0] = MP_OBJ_NULL; // stored
    }
}

// Called for each use of a method, too, and then as short as can be.
static void socket_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (attr == MP_QSTR_session || attr == MP_QSTR_session_reused) {
        socket_own_attr(MP_OBJ_TO_PTR(self_in), attr, dest);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // continue in locals_dict
    }
}

/******************************************************************************/
// The types.

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

void sslsocket_derive(const mp_obj_type_t *upstream) {
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
