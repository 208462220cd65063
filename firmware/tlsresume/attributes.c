// The attributes of adopted sockets: `session` and `session_reused`, as in CPython's ssl.

#include "connection.h"

#include "py/runtime.h"

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
        mp_obj_t event = connection_event(c, OUTCOME_NONE, o->ssl.session);
        mp_obj_t given = session_call(MP_QSTR__of, event, MP_OBJ_NULL);
        c->given = c->hidden_socket == 0 ? MP_OBJ_NULL : given; // a callback may have closed it
        c->given_mark = mark;
        return given;
    }
    return c->given;
}

static void socket_set_session(tlsresume_socket_t *o, mp_obj_t session) {
    connection_t *c = connection_find(o);
    if (c == NULL || c->outcome != OUTCOME_NONE || o->ssl.state != MBEDTLS_SSL_HELLO_REQUEST) {
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
    #if TLSRESUME_SERVER
    if (is_server(o)) {
        return mp_obj_new_bool(handshake_over(o) && server_resumed(&o->ssl));
    }
    #endif
    const connection_t *c = connection_find(o);
    return o->sock == MP_OBJ_NULL ? mp_const_none : mp_obj_new_bool(c != NULL && c->resumed);
}

static MP_NOINLINE void socket_own_attr(tlsresume_socket_t *o, qstr attr, mp_obj_t *dest) {
    if (dest[0] == MP_OBJ_NULL) {
        dest[0] = attr == MP_QSTR_session ? socket_session(o) : socket_session_reused(o);
    } else if (attr == MP_QSTR_session && dest[1] != MP_OBJ_NULL) {
        socket_set_session(o, dest[1]);
        dest[0] = MP_OBJ_NULL; // stored
    }
}

void attributes_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (attr == MP_QSTR_session || attr == MP_QSTR_session_reused) {
        socket_own_attr(MP_OBJ_TO_PTR(self_in), attr, dest);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // continue in locals_dict
    }
}
