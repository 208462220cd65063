// The _fuzz module: libFuzzer for targets in Python.

#include <stdlib.h>
#include <string.h>

#include "connection.h"

#include "py/mpprint.h"
#include "py/runtime.h"
#include "mbedtls/ssl_ciphersuites.h"

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *data, size_t size));

MP_REGISTER_ROOT_POINTER(mp_obj_t fuzz_target);

static int fuzz_one(const uint8_t *data, size_t size) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        abort();
    }
    // The very memory of libFuzzer, of which AddressSanitizer knows the bounds.
    mp_call_function_1(MP_STATE_VM(fuzz_target), mp_obj_new_bytearray_by_ref(size, (void *)data));
    nlr_pop();
    return 0;
}

// run(arguments, target): what libFuzzer does when its command line is that list of str, with
// target(data), which must raise nothing and not keep the data. Returns its exit code.
static mp_obj_t fuzz_run(mp_obj_t arguments, mp_obj_t target) {
    size_t len;
    mp_obj_t *items;
    mp_obj_get_array(arguments, &len, &items);
    int argc = len;
    char **argv = m_new0(char *, len + 1);
    for (size_t i = 0; i < len; ++i) {
        argv[i] = (char *)mp_obj_str_get_str(items[i]);
    }
    MP_STATE_VM(fuzz_target) = target;
    return MP_OBJ_NEW_SMALL_INT(LLVMFuzzerRunDriver(&argc, &argv, fuzz_one));
}
static MP_DEFINE_CONST_FUN_OBJ_2(fuzz_run_obj, fuzz_run);

// established(socket): put an adopted socket that has not begun its handshake behind it, in
// TLS 1.3 and without encryption: what comes is taken for what a server has encrypted.
static mp_obj_t fuzz_established(mp_obj_t socket) {
    mbedtls_ssl_context *ssl = &((tlsresume_socket_t *)MP_OBJ_TO_PTR(socket))->ssl;
    ssl->session = ssl->session_negotiate;
    ssl->session_negotiate = NULL;
    ssl->session->ciphersuite = MBEDTLS_TLS1_3_AES_128_GCM_SHA256;
    ssl->session->tls_version = ssl->tls_version = MBEDTLS_SSL_VERSION_TLS1_3;
    ssl->state = MBEDTLS_SSL_HANDSHAKE_OVER;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(fuzz_established_obj, fuzz_established);

// open(socket, ticket): what the socket's configuration, a server's, makes of that ticket: Mbed TLS's
// error, or 0. In memory of its own, of which AddressSanitizer knows the bounds: it may be written to.
static mp_obj_t fuzz_open(mp_obj_t socket, mp_obj_t ticket) {
    const mbedtls_ssl_config *conf = ((tlsresume_socket_t *)MP_OBJ_TO_PTR(socket))->ssl.conf;
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(ticket, &bufinfo, MP_BUFFER_READ);
    byte *buf = malloc(bufinfo.len);
    memcpy(buf, bufinfo.buf, bufinfo.len);
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    int ret = conf->f_ticket_parse(conf->p_ticket, &session, buf, bufinfo.len);
    mbedtls_ssl_session_free(&session);
    free(buf);
    return mp_obj_new_int(ret);
}
static MP_DEFINE_CONST_FUN_OBJ_2(fuzz_open_obj, fuzz_open);

static const mp_rom_map_elem_t fuzz_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__fuzz) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&fuzz_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&fuzz_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_established), MP_ROM_PTR(&fuzz_established_obj) },
};
static MP_DEFINE_CONST_DICT(fuzz_module_globals, fuzz_module_globals_table);

const mp_obj_module_t fuzz_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&fuzz_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR__fuzz, fuzz_module);
