// AES-256-GCM for sessions that leave the memory of the process.

#include "tlsresume.h"

#include "py/runtime.h"
#include "mbedtls/gcm.h"

#define KEY_LEN (32)
#define TAG_LEN (16)

typedef union _seal_args_t {
    mp_buffer_info_t all[4];
    struct {
        mp_buffer_info_t key, nonce, aad, data;
    };
} seal_args_t;

static void seal_args(const mp_obj_t *args, seal_args_t *a) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(a->all); ++i) {
        mp_get_buffer_raise(args[i], &a->all[i], MP_BUFFER_READ);
    }
    if (a->key.len != KEY_LEN) {
        mp_raise_ValueError(MP_ERROR_TEXT("key must be 32 bytes"));
    }
}

int seal_gcm(bool encrypt, const byte *key, const byte *nonce, size_t nonce_len, const byte *aad, size_t aad_len, const byte *in, size_t len, byte *out, byte *tag) {
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    int ret = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, KEY_LEN * 8);
    if (ret == 0 && encrypt) {
        ret = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, len, nonce, nonce_len, aad, aad_len, in, out, TAG_LEN, tag);
    } else if (ret == 0) {
        ret = mbedtls_gcm_auth_decrypt(&gcm, len, nonce, nonce_len, aad, aad_len, tag, TAG_LEN, in, out);
    }
    mbedtls_gcm_free(&gcm);
    return ret;
}

// seal(key, nonce, aad, data) -> bytearray: the ciphertext and its 16-byte tag.
// unseal(key, nonce, aad, data) -> bytearray, or None if the tag does not fit.
static mp_obj_t seal_crypt(const mp_obj_t *args, bool encrypt) {
    seal_args_t a;
    seal_args(args, &a);
    if (!encrypt && a.data.len < TAG_LEN) {
        return mp_const_none;
    }
    size_t len = encrypt ? a.data.len : a.data.len - TAG_LEN;
    size_t out_len = encrypt ? len + TAG_LEN : len;
    byte *out = m_new(byte, out_len + 1);
    mp_obj_t result = mp_obj_new_bytearray_by_ref(out_len, out);

    byte *tag = encrypt ? out + len : (byte *)a.data.buf + len;
    int ret = seal_gcm(encrypt, a.key.buf, a.nonce.buf, a.nonce.len, a.aad.buf, a.aad.len, a.data.buf, len, out, tag);
    if (ret == MBEDTLS_ERR_GCM_AUTH_FAILED) {
        return mp_const_none; // Mbed TLS has wiped the output
    }
    if (ret != 0) {
        mp_raise_OSError(ret);
    }
    return result;
}

static mp_obj_t tlsresume_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return seal_crypt(args, true);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_seal_obj, 4, 4, tlsresume_seal);

static mp_obj_t tlsresume_unseal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return seal_crypt(args, false);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_unseal_obj, 4, 4, tlsresume_unseal);
