// The _tlsresume module: what Python cannot do for TLS session resumption.

#include "tlsresume.h"

#include <string.h>

#include "py/runtime.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/version.h"

#if TLSRESUME_FILENO && !defined(NO_QSTR)
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

// parse(packed) -> (version, time, lifetime, id, has_ticket). Raises ValueError for
// anything that this build of Mbed TLS did not pack, and MemoryError.
static mp_obj_t tlsresume_parse(mp_obj_t packed) {
    mbedtls_ssl_session session;
    int ret = session_unpack(&session, packed);
    if (ret == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
        m_malloc_fail(0);
    }
    if (ret != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("not a session of this firmware"));
    }
    mp_int_t version = session.tls_version;
    size_t id_len = session.id_len;
    byte id[sizeof(session.id)];
    memcpy(id, session.id, sizeof(id));
    mp_uint_t start = 0;
    #if defined(MBEDTLS_HAVE_TIME)
    start = (mp_uint_t)session.start;
    #endif
    mp_uint_t lifetime = 0;
    bool has_ticket = false;
    #if defined(MBEDTLS_SSL_SESSION_TICKETS)
    lifetime = session.ticket_lifetime;
    has_ticket = session.ticket_len > 0;
    #endif
    mbedtls_ssl_session_free(&session); // before anything that could raise

    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(version),
        mp_obj_new_int_from_uint(start),
        mp_obj_new_int_from_uint(lifetime),
        mp_obj_new_bytes(id, id_len),
        mp_obj_new_bool(has_ticket),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_parse_obj, tlsresume_parse);

// wipe(buffer): overwrite it with zeros. Does not allocate.
static mp_obj_t tlsresume_wipe(mp_obj_t buffer) {
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(buffer, &bufinfo, MP_BUFFER_WRITE);
    mbedtls_platform_zeroize(bufinfo.buf, bufinfo.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_wipe_obj, tlsresume_wipe);

#if TLSRESUME_FILENO
// peername(fileno) -> (address, port): bytes in network order, none of a socket that is not of the
// internet; int. Raises OSError.
static mp_obj_t tlsresume_peername(mp_obj_t fileno) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } addr;
    socklen_t len = sizeof(addr);
    if (getpeername(mp_obj_get_int(fileno), &addr.any, &len) != 0) {
        mp_raise_OSError(errno);
    }
    const void *address = &addr.in.sin_addr;
    len = sizeof(addr.in.sin_addr);
    if (addr.any.sa_family == AF_INET6) {
        address = &addr.in6.sin6_addr;
        len = sizeof(addr.in6.sin6_addr);
    } else if (addr.any.sa_family != AF_INET) {
        len = 0;
    }
    mp_obj_t items[] = {
        mp_obj_new_bytes(address, len),
        MP_OBJ_NEW_SMALL_INT(ntohs(addr.in.sin_port)), // in6's is in the same place (RFC 3493 3.3)
    };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(tlsresume_peername_obj, tlsresume_peername);
#endif

static const mp_rom_map_elem_t tlsresume_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__tlsresume) },
    { MP_ROM_QSTR(MP_QSTR_adopt), MP_ROM_PTR(&tlsresume_adopt_obj) },
    #if TLSRESUME_SERVER || defined(NO_QSTR)
    { MP_ROM_QSTR(MP_QSTR_accept), MP_ROM_PTR(&tlsresume_accept_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_handshake), MP_ROM_PTR(&tlsresume_handshake_obj) },
    { MP_ROM_QSTR(MP_QSTR_take), MP_ROM_PTR(&tlsresume_take_obj) },
    { MP_ROM_QSTR(MP_QSTR_due), MP_ROM_PTR(&tlsresume_due_obj) },
    { MP_ROM_QSTR(MP_QSTR_parse), MP_ROM_PTR(&tlsresume_parse_obj) },
    { MP_ROM_QSTR(MP_QSTR_wipe), MP_ROM_PTR(&tlsresume_wipe_obj) },
    { MP_ROM_QSTR(MP_QSTR_nagle), MP_ROM_PTR(&tlsresume_nagle_obj) },
    { MP_ROM_QSTR(MP_QSTR_setsockopt), MP_ROM_PTR(&tlsresume_setsockopt_obj) },
    #if TLSRESUME_FILENO || defined(NO_QSTR) // that pass does not know ESP-IDF's definitions
    { MP_ROM_QSTR(MP_QSTR_nodelay), MP_ROM_PTR(&tlsresume_nodelay_obj) },
    { MP_ROM_QSTR(MP_QSTR_peername), MP_ROM_PTR(&tlsresume_peername_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_seal), MP_ROM_PTR(&tlsresume_seal_obj) },
    { MP_ROM_QSTR(MP_QSTR_unseal), MP_ROM_PTR(&tlsresume_unseal_obj) },
    { MP_ROM_QSTR(MP_QSTR_MBEDTLS_VERSION_NUMBER), MP_ROM_INT(MBEDTLS_VERSION_NUMBER) },
};
static MP_DEFINE_CONST_DICT(tlsresume_module_globals, tlsresume_module_globals_table);

const mp_obj_module_t tlsresume_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&tlsresume_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR__tlsresume, tlsresume_module);
