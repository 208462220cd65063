// AES-256-GCM for sessions that leave the memory of the process.

#include "tlsresume.h"

#include "py/runtime.h"
#if defined(MBEDTLS_PSA_CRYPTO_C)
#include "psa/crypto.h"
#else
#include "mbedtls/gcm.h" // private since Mbed TLS 4, which is built with PSA always
#endif

#define KEY_LEN (32)
#define TAG_LEN (16)

static void seal_args(const mp_obj_t *args, seal_args_t *a) {
    for (size_t i = 0; i < MP_ARRAY_SIZE(a->all); ++i) {
        mp_get_buffer_raise(args[i], &a->all[i], MP_BUFFER_READ);
    }
    if (a->key.len != KEY_LEN) {
        mp_raise_ValueError(MP_ERROR_TEXT("key must be 32 bytes"));
    }
}

// Encrypt or decrypt into `out`: returns 0, Mbed TLS's error, or AUTH_FAILED with `out` wiped.
#if defined(MBEDTLS_PSA_CRYPTO_C)
#define AUTH_FAILED (PSA_ERROR_INVALID_SIGNATURE)

int seal_crypt(const seal_args_t *a, byte *out, size_t len, bool encrypt) {
    psa_key_id_t key;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
    psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
    psa_status_t ret = psa_crypto_init(); // idempotent
    if (ret == PSA_SUCCESS) {
        ret = psa_import_key(&attributes, a->key.buf, KEY_LEN, &key);
    }
    if (ret == PSA_SUCCESS) {
        ret = (encrypt ? psa_aead_encrypt : psa_aead_decrypt)(key, PSA_ALG_GCM, a->nonce.buf,
            a->nonce.len, a->aad.buf, a->aad.len, a->data.buf, a->data.len, out, len, &len);
        psa_destroy_key(key);
    }
    return ret;
}
#else
#define AUTH_FAILED (MBEDTLS_ERR_GCM_AUTH_FAILED)

int seal_crypt(const seal_args_t *a, byte *out, size_t len, bool encrypt) {
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    int ret = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, a->key.buf, KEY_LEN * 8);
    if (ret == 0 && encrypt) {
        ret = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, a->data.len, a->nonce.buf, a->nonce.len,
            a->aad.buf, a->aad.len, a->data.buf, out, TAG_LEN, out + a->data.len);
    } else if (ret == 0) {
        ret = mbedtls_gcm_auth_decrypt(&gcm, len, a->nonce.buf, a->nonce.len, a->aad.buf, a->aad.len,
            (const byte *)a->data.buf + len, TAG_LEN, a->data.buf, out);
    }
    mbedtls_gcm_free(&gcm);
    return ret;
}
#endif

static mp_obj_t seal_result(const mp_obj_t *args, bool encrypt) {
    seal_args_t a;
    seal_args(args, &a);
    if (!encrypt && a.data.len < TAG_LEN) {
        return mp_const_none;
    }
    size_t len = encrypt ? a.data.len + TAG_LEN : a.data.len - TAG_LEN;
    byte *out = m_new(byte, len + 1);
    mp_obj_t result = mp_obj_new_bytearray_by_ref(len, out);
    int ret = seal_crypt(&a, out, len, encrypt);
    if (ret == AUTH_FAILED) {
        return mp_const_none;
    }
    if (ret != 0) {
        mp_raise_OSError(ret);
    }
    return result;
}

// seal(key, nonce, aad, data) -> bytearray: the ciphertext and its 16-byte tag.
static mp_obj_t tlsresume_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return seal_result(args, true);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_seal_obj, 4, 4, tlsresume_seal);

// unseal(key, nonce, aad, data) -> bytearray, or None if the tag does not fit.
static mp_obj_t tlsresume_unseal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return seal_result(args, false);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(tlsresume_unseal_obj, 4, 4, tlsresume_unseal);
