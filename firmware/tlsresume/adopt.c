// Adoption: an SSLSocket of upstream's becomes one that resumes.

#include "connection.h"

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "mbedtls/error.h"

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

// adopt(socket, context, owner, packed or None, age_ms) -> bool
//
// Watch a client socket that tls.SSLContext(context).wrap_socket has made without a handshake, and
// offer a packed session. The owner is what take() hands back. Returns whether the session is
// offered. Raises NotImplementedError where MicroPython is laid out otherwise, the socket is then
// as it was; and MemoryError: it connects, and has nothing to tell.
static mp_obj_t tlsresume_adopt(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(args[0]);
    // Our own types have the slot that upstream's has not.
    if (!layout_fits(args[0], args[1]) || MP_OBJ_TYPE_HAS_SLOT(o->base.type, attr)) {
        mp_raise_msg(&mp_type_NotImplementedError, MP_ERROR_TEXT("tlsresume does not know this release's SSLSocket: " MICROPY_VERSION_STRING));
    }
    sslsocket_derive(o->base.type);
    sslsocket_adopt(o);
    #if TLSRESUME_TLS13
    ticket_configure(&o->ssl);
    #endif
    connection_t *c = connection_new(o, args[2]);
    if (args[3] != mp_const_none) {
        connection_offer(c, args[3], mp_obj_get_int_truncated(args[4]));
    }
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

// handshake(socket, context): finish the handshake of an adopted socket, blocking as upstream's
// wrap_socket does. Raises what upstream raises; the socket is then closed.
static mp_obj_t tlsresume_handshake(mp_obj_t socket, mp_obj_t context) {
    tlsresume_socket_t *o = MP_OBJ_TO_PTR(socket);
    int ret;
    for (;;) {
        #if MICROPY_PY_SSL_MBEDTLS_NEED_ACTIVE_CONTEXT
        MP_STATE_THREAD(tls_ssl_context) = MP_OBJ_TO_PTR(context); // a socket's close takes it away
        #else
        (void)context;
        #endif
        ret = mbedtls_ssl_handshake(&o->ssl);
        if (ret != MBEDTLS_ERR_SSL_WANT_READ && ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
            break;
        }
        mp_event_wait_ms(1);
    }
    sslsocket_negotiated(o, ret);
    if (ret != 0) {
        uint32_t verify_flags = mbedtls_ssl_get_verify_result(&o->ssl);
        o->sock = MP_OBJ_NULL;
        mbedtls_ssl_free(&o->ssl);
        raise_handshake_error(ret, verify_flags);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(tlsresume_handshake_obj, tlsresume_handshake);
