// Adoption: an SSLSocket of upstream's becomes one that resumes.

#include "connection.h"

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"

// Prove that this socket, which is new, is laid out as tlsresume_socket_t says, before it is trusted.
static bool layout_fits(mp_obj_t socket, mp_obj_t context) {
    const mp_obj_type_t *type = mp_obj_get_type(socket);
    const tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    size_t context_len = gc_nbytes(MP_OBJ_TO_PTR(context)); // 0 for what is not in the heap
    return type->name == MP_QSTR_SSLSocket
           && MP_OBJ_TYPE_HAS_SLOT(type, protocol)
           && gc_nbytes(o) >= sizeof(tlsresume_socket_t)
           && o->ssl_context == MP_OBJ_TO_PTR(context)
           && (uintptr_t)o->ssl.conf - (uintptr_t)o->ssl_context < context_len
           && o->poll_mask == 0
           && o->last_error == 0;
}

// Refuse what is laid out otherwise, and make the socket ours.
static tlsresume_socket_t *adopt(mp_obj_t socket, mp_obj_t context) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    // Our own types have the slot that upstream's has not.
    if (!layout_fits(socket, context) || MP_OBJ_TYPE_HAS_SLOT(o->base.type, attr)) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("tlsresume does not know this release's SSLSocket: " MICROPY_VERSION_STRING));
    }
    sslsocket_adopt(o);
    return o;
}

// adopt(socket, context, owner, packed or None, age_ms) -> bool
//
// Watch a client socket that tls.SSLContext(context).wrap_socket has made without a handshake, and
// offer a packed session. The owner is what take() hands back. Returns whether the session is
// offered. Raises NotImplementedError where MicroPython is laid out otherwise, the socket is then
// as it was; and MemoryError: it connects, and has nothing to tell.
static mp_obj_t tlsresume_adopt(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    tlsresume_socket_t *o = adopt(args[0], args[1]);
    configure_client(&o->ssl);
    connection_t *c = connection_new(o, args[2]);
    if (args[3] != mp_const_none) {
        connection_offer(c, args[3], mp_obj_get_int_truncated(args[4]));
    }
    return mp_obj_new_bool(c->offered);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_adopt_obj, 5, 5, tlsresume_adopt);

#if TLSRESUME_SERVER
// accept(socket, context, state or None): watch a server's socket that tls.SSLContext(context).wrap_socket
// has made without a handshake, and give its client tickets, and take one, by `state`: a bytearray that
// the context has alone, see server.c. Raises NotImplementedError as adopt does. Does not allocate.
static mp_obj_t tlsresume_accept(mp_obj_t socket, mp_obj_t context, mp_obj_t state) {
    tlsresume_socket_t *o = adopt(socket, context);
    if (state != mp_const_none) {
        server_configure(&o->ssl, state);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_3(tlsresume_accept_obj, tlsresume_accept);
#endif

// handshake(socket): finish the handshake of an adopted socket, blocking as upstream's wrap_socket
// does. Raises what upstream raises; the socket is then closed.
static mp_obj_t tlsresume_handshake(mp_obj_t socket) {
    int ret;
    while ((ret = sslsocket_negotiate(MP_OBJ_TO_PTR(socket))) != 0) {
        if (ret == MBEDTLS_ERR_SSL_CONN_EOF) {
            sslsocket_raise(MP_OBJ_TO_PTR(socket), ret);
        }
        mp_event_wait_ms(1);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_handshake_obj, tlsresume_handshake);
